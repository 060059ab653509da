import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gather } from "./case.ts";
import { LONGEST_REPLY, type ReplyCase, replyCases } from "./cases/replies.ts";
import { carriedOut, documentOf, proveHealthy } from "./prove.ts";
import { headerBlock, type Incoming, Wire } from "./wire.ts";
import { startWorld, until, type World } from "./world.ts";

/**
 * Proves of every reply subject that is no inbox: nothing is answered there, nothing runs, it is counted, and the same
 * message with an inbox as reply subject is answered.
 */

describe("reply subjects", () => {
  let world: World;
  let spy: Wire;
  const heard: Incoming[] = [];
  beforeAll(async () => {
    world = await startWorld();
    spy = await Wire.connect(world.port, "spy");
    spy.subscribe(">", (message) => heard.push(message));
    await spy.sync();
  });
  afterAll(async () => {
    spy?.close();
    await world?.stop();
  });

  async function proveUnanswered({ subject, body, reply, counted }: ReplyCase): Promise<void> {
    const [runsBefore, heardBefore] = [world.runs.length, heard.length];
    const countOf = () => (counted === undefined ? 0 : world.counts.of(...counted));
    const before = countOf();
    world.wire.publish({ subject, reply, data: body });
    if (counted !== undefined) await until("it is counted", () => countOf() > before);
    const control = await world.wire.request({ subject, data: body });
    const ids = await carriedOut(world, { body: gather() }, "completed");
    await proveHealthy(world);
    await spy.sync();
    const answers = heard.slice(heardBefore).filter((message) => message.subject === reply);
    // The spy hears the message itself where it was published to what it names as reply subject.
    expect(answers.filter(({ data }) => !data.equals(body)).map(({ data }) => data.toString().slice(0, 80))).toEqual([]);
    expect(countOf() - before).toBe(counted === undefined ? 0 : 1);
    const own = (documentOf(control)["id"] ?? "") as string;
    const strange = world.runs.slice(runsBefore).filter(({ operationId }) => ![own, ...ids].includes(operationId.slice(0, 26)));
    expect(strange).toEqual([]);
    expect(world.log.errors).toEqual([]);
  }

  it.each(replyCases)("$name", proveUnanswered);

  it("the longest inbox is answered at, with or without headers", async () => {
    for (const header of [undefined, headerBlock("a: b")]) {
      const heardBefore = heard.length;
      const message = { subject: "nexus.router.status", reply: LONGEST_REPLY };
      world.wire.publish(header === undefined ? message : { ...message, header });
      await until("it is answered", () => heard.slice(heardBefore).some(({ subject }) => subject === LONGEST_REPLY));
    }
  });

  it("a flood of them is counted one by one, and does not flood the log", async () => {
    const [counted, logged] = [world.counts.of("requestsRefused", "reply-subject"), world.log.count];
    const FLOOD = 5_000;
    for (let index = 0; index < FLOOD; index++) {
      const subject = index % 2 === 0 ? "nexus.coordinate.gather" : "nexus.gossip.put";
      world.wire.publish({ subject, reply: "nexus.agents.a0.in" });
    }
    await until("all are counted", () => world.counts.of("requestsRefused", "reply-subject") - counted === FLOOD);
    await proveHealthy(world);
    expect(world.log.count - logged).toBeLessThan(200);
  });
});
