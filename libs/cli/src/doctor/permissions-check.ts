import { createIds } from "@nexus/adapter-node";
import { createSubjects, encode, goalTypes } from "@nexus/contracts";
import { heardRefusals, listenForRefusals } from "../bus/refusals.ts";
import { connected, type Examined, failed, type Outcome, ok, some, warning } from "./check.ts";

/**
 * What this user may publish and subscribe to. NATS answers no such question, so it is tried: what is sent executes nothing.
 * Routers refuse the empty requests, and count them.
 */
export async function permissions(examined: Examined): Promise<Outcome> {
  const bus = connected(examined);
  const subjects = createSubjects(examined.target.prefix);
  const id = createIds().requestId();
  const needed = [
    ...goalTypes.map((type) => ({ subject: subjects.coordinate(type), body: encode({}) })),
    { subject: subjects.requestGet(id), body: encode({}) },
    { subject: subjects.requestCancel(id), body: encode({}) },
    { subject: subjects.service("router", "agents"), body: encode({ limit: 1 }) },
  ];
  const forOperators = [
    { subject: subjects.everyServiceReport, body: new Uint8Array() },
    { subject: subjects.routerWatch, body: encode({ v: 1, watcher: "doctor", leaseMs: 0 }) },
    { subject: "$SRV.INFO", body: new Uint8Array() },
  ];
  const heard = [subjects.requestEvents(id), subjects.routerEvents];
  const refusals: string[] = [];
  const stopRefusals = listenForRefusals(bus, ({ message }) => refusals.push(message));
  const subscriptions = heard.map((subject) => bus.subscribe(subject, () => {}));
  try {
    for (const { subject, body } of [...needed, ...forOperators]) bus.publish(subject, body);
    await heardRefusals(bus);
  } finally {
    for (const subscription of subscriptions) subscription.unsubscribe();
    stopRefusals();
  }
  const refused = (subject: string, verb: "publish" | "subscribe") =>
    refusals.some((message) => message.includes(`${verb} to ${subject}`));
  const publish = (list: typeof needed) => list.map(({ subject }) => subject).filter((subject) => refused(subject, "publish"));
  const lacking = [...publish(needed), ...heard.slice(0, 1).filter((subject) => refused(subject, "subscribe"))];
  const lackingForOperators = [...publish(forOperators), ...heard.slice(1).filter((subject) => refused(subject, "subscribe"))];
  return outcomeOf(lacking, lackingForOperators, id);
}

function outcomeOf(lacking: readonly string[], lackingForOperators: readonly string[], id: string): Outcome {
  const general = (subject: string) => subject.replace(id, "*").replace(/(\.coordinate)\..*/, "$1.>");
  const told = (list: readonly string[]) => some([...new Set(list.map(general))]);
  const allow = (list: readonly string[]) =>
    `allow them in the server's configuration (authorization, permissions): ${told(list)}; docs/cli.md has what each command needs`;
  if (lacking.length > 0) return failed(`this user may not use ${told(lacking)}`, allow([...lacking, ...lackingForOperators]));
  if (lackingForOperators.length > 0) {
    return warning(
      `this user may not use ${told(lackingForOperators)}, which watch, top and doctor need`,
      allow(lackingForOperators),
    );
  }
  return ok("this user may send requests, watch, and ask for reports");
}
