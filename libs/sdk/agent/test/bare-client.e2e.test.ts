import { readFileSync } from "node:fs";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { createSeededIds, waitUntil } from "@nexus/testing";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedAgents, connectAgents, type Handler } from "../src/index.ts";

/**
 * Proves that agents of the SDK understand what docs/protocol.md says, from whoever says it: a bare NATS client publishes the
 * frames that the page shows, over a real nats-server, to one agent, to several of a connection, to a group and to all, and
 * hears what the page says is answered. Nothing here is built by the project's own code but the agents.
 */

type Json = { [key: string]: unknown };

const page = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
/** A message that the page shows, as it shows it: its fence says which it is. */
function frameOf(message: string): Json {
  const text = new RegExp(`^\`\`\`json ${message}\\n([\\s\\S]*?)^\`\`\``, "m").exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/protocol.md shows no ${message}`);
  return JSON.parse(text) as Json;
}

describe("a bare NATS client", () => {
  const ids = createSeededIds(4);
  const runs: string[] = [];
  const heard: { readonly subject: string; readonly body: Json }[] = [];
  const releases = new Map<string, () => void>();
  let server: NatsServer;
  let bare: NatsConnection;
  const connections: ConnectedAgents[] = [];

  /** Runs until the test releases it by the operation's id. */
  const search: Handler = async (payload, { operationId, agentId, progress, signal }) => {
    runs.push(`${agentId} ${operationId}`);
    if ((payload as Json | undefined)?.["wait"] === true) {
      progress({ fraction: 0.5 });
      await new Promise<void>((resolve, reject) => {
        releases.set(`${agentId} ${operationId}`, resolve);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    }
    return { by: agentId };
  };
  const vote: Handler = () => "for";

  beforeAll(async () => {
    server = await startNatsServer();
    bare = await connect({ servers: server.url });
    const subscription = bare.subscribe("nexus.*.*.out.>");
    void (async () => {
      for await (const message of subscription) heard.push({ subject: message.subject, body: message.json<Json>() });
    })();
    await bare.flush();
    const several = await connectAgents({ servers: server.url, connId: "c1" });
    await several.addAgent({ id: "a1", groups: ["shards", "blue"], handlers: { search } });
    await several.addAgent({ id: "a2", groups: ["shards"], handlers: { search } });
    await several.addAgent({ id: "a3", handlers: { search, vote } });
    const alone = await connectAgents({ servers: server.url, connId: "c2" });
    await alone.addAgent({ id: "b1", groups: ["shards"], labels: { zone: "eu" }, capacity: 4, handlers: { search } });
    connections.push(several, alone);
  });
  afterAll(async () => {
    for (const connection of connections) await connection.close(500);
    await bare.close();
    await server.stop();
  });

  const operation = (more: Json = {}): Json & { operationId: string } => ({
    ...frameOf("operation"),
    operationId: `${ids.requestId()}/0`,
    ...more,
  });
  const publish = (subject: string, frame: unknown) => bare.publish(subject, JSON.stringify(frame));
  /** What was answered to a router, one line per agent, whether it came alone or with others. */
  const answers = (operationId: string, router = "router-1") =>
    heard
      .filter(({ subject }) => subject.endsWith(`.out.reply.${router}`))
      .flatMap(({ subject, body }) => {
        const speaker = subject.split(".")[2];
        return body["kind"] === "batch"
          ? (body["answers"] as { agent: string; answer: Json }[]).map((row) => ({ speaker, ...row }))
          : [{ speaker, agent: speaker ?? "", answer: body }];
      })
      .filter(({ answer }) => answer["operationId"] === operationId);
  const replies = (operationId: string, router?: string) =>
    answers(operationId, router).filter(({ answer }) => answer["kind"] === "reply");
  const answered = (operationId: string, by: readonly string[], router?: string) =>
    waitUntil(() => replies(operationId, router).length >= by.length, { what: `answers of ${by}` }).then(() => {
      const rows = replies(operationId, router);
      expect(rows.map(({ agent }) => agent).sort()).toEqual(by);
      return rows;
    });
  const said = (subject: string) => heard.filter((message) => message.subject === subject).map(({ body }) => body);
  const ran = (operationId: string) => runs.filter((run) => run.endsWith(operationId)).map((run) => run.split(" ")[0]);

  it("hears hellos and heartbeats with the fields of the page", async () => {
    const [hello, heartbeat] = [frameOf("hello"), frameOf("heartbeat")];
    await waitUntil(() => said("nexus.agents.b1.out.hello").length > 0, { what: "the hello" });
    const told = said("nexus.agents.b1.out.hello")[0] ?? {};
    expect(Object.keys(told).sort()).toEqual([...Object.keys(hello), "causal"].sort());
    expect(told).toMatchObject({ v: 1, connId: "c2", groups: ["shards"], labels: { zone: "eu" }, capacity: 4 });
    await waitUntil(() => said("nexus.agents.b1.out.heartbeat").length > 0, { what: "the heartbeat of an agent alone" });
    expect(Object.keys(said("nexus.agents.b1.out.heartbeat")[0] ?? {}).sort()).toEqual(Object.keys(heartbeat).sort());
    await waitUntil(() => said("nexus.conns.c1.out.heartbeat").length > 0, { what: "the heartbeat of a connection" });
    const rows = said("nexus.conns.c1.out.heartbeat")[0]?.["agents"] as Json[];
    expect(rows.map((row) => Object.keys(row).sort())).toEqual(
      rows.map(() => ["agent", "boot", "inFlight", "queueDepth", "serviceTimeMs"]),
    );
    expect(rows.map(({ agent }) => agent)).toEqual(["a1", "a2", "a3"]);
  });

  it("is answered by one agent, on its own subject where it is alone", async () => {
    const frame = operation();
    publish("nexus.agents.b1.in", frame);
    const [reply] = await answered(frame.operationId, ["b1"]);
    expect(reply?.answer).toMatchObject({ v: 1, status: "ok", value: { by: "b1" }, inFlight: 0, queueDepth: 0 });
    expect(Object.keys(reply?.answer ?? {}).sort()).toEqual(Object.keys(frameOf("reply")).sort());
  });

  it("is answered by each agent of a batch, on the connection's subject, and not by strangers", async () => {
    const batch = structuredClone(frameOf("batch")) as { items: { to: string[]; frame: Json }[] };
    const [first, second] = batch.items as [(typeof batch.items)[0], (typeof batch.items)[0]];
    const [frame, other] = [operation(), operation({ operation: "vote" })];
    Object.assign(first, { to: ["a1", "nobody", "b1", "a2"], frame });
    expect(second.frame).toEqual({ v: 1, kind: "hello-wanted" });
    second.to = ["a3"];
    batch.items.push({ to: ["a3", "a2"], frame: other });
    const hellos = said("nexus.agents.a3.out.hello").length;
    publish("nexus.conns.c1.in", batch);
    const rows = await answered(frame.operationId, ["a1", "a2"]);
    expect(rows.map(({ speaker }) => speaker)).toEqual(["c1", "c1"]);
    const votes = await answered(other.operationId, ["a2", "a3"]);
    expect(votes.map(({ agent, answer }) => [agent, answer["status"], answer["value"]]).sort()).toEqual([
      ["a2", "refused", undefined],
      ["a3", "ok", "for"],
    ]);
    await waitUntil(() => said("nexus.agents.a3.out.hello").length > hellos, { what: "the hello that was asked for" });
    expect(ran(frame.operationId).sort()).toEqual(["a1", "a2"]);
  });

  it("is answered by each agent of a group once, on whichever connection", async () => {
    const frame = operation();
    publish("nexus.groups.shards", frame);
    await answered(frame.operationId, ["a1", "a2", "b1"]);
    const blue = operation();
    publish("nexus.groups.blue", blue);
    await answered(blue.operationId, ["a1"]);
    expect([ran(frame.operationId).sort(), ran(blue.operationId)]).toEqual([["a1", "a2", "b1"], ["a1"]]);
  });

  it("is answered by all, and by none where no reply is wanted", async () => {
    const [quiet, loud] = [operation({ reply: false }), operation()];
    publish("nexus.all", quiet);
    publish("nexus.all", loud);
    await answered(loud.operationId, ["a1", "a2", "a3", "b1"]);
    expect([ran(quiet.operationId).length, replies(quiet.operationId)]).toEqual([4, []]);
  });

  it("gets no second run: not by group after agent, not by another router, not by another body", async () => {
    const frame = operation({ digest: "d1", payload: { wait: true } });
    publish("nexus.agents.a1.in", frame);
    await waitUntil(() => releases.has(`a1 ${frame.operationId}`), { what: "it runs" });
    publish("nexus.groups.blue", { ...frame, router: "router-2" });
    publish("nexus.conns.c1.in", { v: 1, kind: "batch", items: [{ to: ["a1"], frame: { ...frame, router: "router-3" } }] });
    publish("nexus.agents.a1.in", { ...frame, router: "router-4", digest: "d2" });
    publish("nexus.agents.a1.in", { ...frame, router: "router-5", boot: "another-life" });
    expect((await answered(frame.operationId, ["a1"], "router-4"))[0]?.answer).toMatchObject({
      status: "refused",
      error: { code: "id-reused" },
    });
    expect((await answered(frame.operationId, ["a1"], "router-5"))[0]?.answer).toMatchObject({ error: { code: "other-boot" } });
    expect(answers(frame.operationId).map(({ answer }) => [answer["kind"], answer["fraction"]])).toEqual([["progress", 0.5]]);
    releases.get(`a1 ${frame.operationId}`)?.();
    for (const router of ["router-1", "router-2", "router-3"]) await answered(frame.operationId, ["a1"], router);
    publish("nexus.all", { ...frame, router: "router-6", payload: {} });
    const late = await answered(frame.operationId, ["a1", "a2", "a3", "b1"], "router-6");
    expect(late.find(({ agent }) => agent === "a1")?.answer).toMatchObject({ status: "ok", value: { by: "a1" } });
    expect(ran(frame.operationId).filter((agent) => agent === "a1")).toHaveLength(1);
  });

  it("ends work of all with one cancellation, and is told of what expired", async () => {
    const frame = operation({ payload: { wait: true } });
    publish("nexus.groups.shards", frame);
    await waitUntil(() => ran(frame.operationId).length === 3, { what: "all run" });
    publish("nexus.groups.shards", { ...frameOf("cancel"), operationId: frame.operationId });
    for (const { answer } of await answered(frame.operationId, ["a1", "a2", "b1"])) {
      expect(answer).toMatchObject({ status: "error", error: { code: "cancelled" } });
    }
    const late = operation({ remainingMs: 0 });
    publish("nexus.groups.blue", late);
    expect((await answered(late.operationId, ["a1"]))[0]?.answer).toMatchObject({ status: "expired" });
    expect(ran(late.operationId)).toEqual([]);
  });

  it("takes nothing down with what is no frame", async () => {
    const nonsense = ["", "{", "[]", "null", JSON.stringify({ v: 1, kind: "batch", items: [] }), JSON.stringify({ v: 1 })];
    for (const text of nonsense) {
      for (const subject of ["nexus.all", "nexus.groups.shards", "nexus.conns.c1.in", "nexus.agents.a1.in"]) {
        bare.publish(subject, text);
      }
    }
    const frame = operation();
    publish("nexus.all", { ...frame, added: "later" }); // a field that is not known is none that is refused
    await answered(frame.operationId, ["a1", "a2", "a3", "b1"]);
  });

  it("reaches an agent in its group no more when it has left, and hears its bye", async () => {
    const [several] = connections;
    const agent = await several?.addAgent({ id: "a4", groups: ["blue"], handlers: { search } });
    await agent?.leave();
    await waitUntil(() => said("nexus.agents.a4.out.bye").length === 1, { what: "the bye" });
    expect(said("nexus.agents.a4.out.bye")[0]).toMatchObject({ v: 1, boot: agent?.boot });
    const frame = operation();
    publish("nexus.groups.blue", frame);
    await answered(frame.operationId, ["a1"]);
  });
});
