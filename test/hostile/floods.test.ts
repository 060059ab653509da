import { decode, encode } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { documentOf } from "./prove.ts";
import { heartbeatOf, helloOf, rowOf } from "./puppet.ts";
import { bounds, codeOf, type Document, FLOOD, request, ulid, useSmallRouter } from "./small-router.ts";
import { handlers, until } from "./world.ts";

/**
 * Proves of a router with small bounds: whatever there is too much of, the bound holds, its overflow is told or counted,
 * and who is honest is served meanwhile and afterwards.
 */

const small = useSmallRouter();

const counted = (codes: readonly string[]): object =>
  Object.fromEntries([...new Set(codes)].sort().map((code) => [code, codes.filter((other) => other === code).length]));

/** Sends the same request so often in one write, so that all are there before any could have begun. */
async function burst(count: number, operation: string, more: object): Promise<Document[]> {
  const data = Buffer.from(encode(request(operation, more)));
  const inbox = small.world.wire.newInbox();
  const answers: Document[] = [];
  const end = small.world.wire.subscribe(inbox, (message) => answers.push(documentOf(message)));
  await small.world.wire.sync();
  const one = Buffer.concat([Buffer.from(`PUB small.coordinate.gather ${inbox} ${data.length}\r\n`), data, Buffer.from("\r\n")]);
  small.world.wire.write(Buffer.concat(new Array(count).fill(one)));
  await until("what is refused is answered", () => answers.length >= count - bounds.activeMax);
  end();
  return answers;
}

describe("floods of requests", () => {
  const codesOf = (answers: readonly Document[]): object => counted(answers.map(codeOf));

  it("run as many at once as may be, and refuse the others before they are read", async () => {
    const before = small.world.runs.length;
    const answers = await burst(100, "slow", { timeoutMs: 1_000 });
    expect(codesOf(answers)).toEqual({ overloaded: 96 });
    expect(answers[0]).toMatchObject({ executed: "none", error: { retryable: true, retryAfterMs: 250 } });
    await until("those that were let in run", () => small.world.runs.length - before >= bounds.activeMax);
    await until("they have ended", async () => (await small.ask("router.status"))["active"] === 0);
    expect(small.world.runs.length - before).toBe(bounds.activeMax);
  });

  it("join a running request up to the same bound", async () => {
    const before = small.world.runs.length;
    const id = ulid("001");
    const answers = await burst(100, "slow", { id, timeoutMs: 1_000 });
    expect(codesOf(answers)).toEqual({ overloaded: 96 });
    expect(await small.ask(`requests.${id}.get`, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    expect(small.world.runs.length - before).toBe(1);
  });

  it("are refused however hostile their bodies are", async () => {
    const slow = Array.from({ length: bounds.activeMax }, () =>
      small.ask("coordinate.gather", request("slow", { timeoutMs: 1_500 })),
    );
    await until("all places are taken", async () => (await small.ask("router.status"))["active"] === bounds.activeMax);
    const deep = { subject: "small.coordinate.gather", data: Buffer.from("[".repeat(100_000)) };
    expect(codeOf(documentOf(await small.world.wire.request(deep)))).toBe("overloaded");
    await Promise.all(slow);
    expect(codeOf(documentOf(await small.world.wire.request(deep)))).toBe("too-deep");
  });

  it("wait for a running request up to a bound, and leave nothing behind", async () => {
    const id = ulid("002");
    expect(await small.ask("coordinate.gather", request("slow", { id, mode: "accept", timeoutMs: 60_000 }))).toMatchObject({
      status: "accepted",
    });
    const waiting = Array.from({ length: 100 }, () => small.ask(`requests.${id}.get`, { waitMs: 60_000 }));
    const settled: string[] = [];
    for (const each of waiting) void each.then((document) => settled.push(codeOf(document)));
    await until("those beyond the bound are refused", () => settled.length === 100 - bounds.requestsMax);
    expect(counted(settled)).toEqual({ overloaded: 80 });
    expect(await small.ask(`requests.${id}.cancel`)).toMatchObject({ state: "done" });
    for (const document of await Promise.all(waiting))
      expect(document["state"] ?? codeOf(document)).toMatch(/^(?:done|overloaded)$/);
    expect(await small.ask(`requests.${id}.get`, { waitMs: 1 })).toMatchObject({
      state: "done",
      result: { error: { code: "cancelled" } },
    });
  });

  it("keep no more ended requests than may be", async () => {
    const kept = ulid("003");
    await small.ask("coordinate.gather", request("number", { id: kept }));
    for (let index = 0; index < bounds.requestsMax + 5; index++) await small.ask("coordinate.gather", request("number"));
    expect(codeOf(await small.ask(`requests.${kept}.get`))).toBe("not-found");
  });
});

describe("floods of agents", () => {
  const say = (id: string, what: string, body: object): void =>
    small.world.wire.publish({ subject: `small.agents.${id}.out.${what}`, data: encode(body) });

  it("fill the table to its bound; who leaves makes room for who comes", async () => {
    const refused = () => small.world.counts.of("boundsReached", "routing-table");
    const before = refused();
    for (let index = 0; index < FLOOD; index++) say(`fake${index}`, "hello", helloOf({ operations: ["number"] }));
    await until("the rest is refused", () => refused() - before === FLOOD - (bounds.agentsMax - 1));
    expect(small.router.agentsKnown()).toBe(bounds.agentsMax);
    await small.proveServed();
    say("newcomer", "hello", helloOf());
    await until("it is refused as well", () => refused() - before === FLOOD - (bounds.agentsMax - 1) + 1);
    for (let index = 0; index < bounds.agentsMax; index++) say(`fake${index}`, "bye", { v: 1, boot: "b1" });
    for (let index = 0; index < 200; index++) {
      say(`passing${index}`, "hello", helloOf());
      say(`passing${index}`, "bye", { v: 1, boot: "b1" });
    }
    say("newcomer", "hello", helloOf());
    await until("it is taken in", async () => (await rowOf(small.world, "newcomer", "small"))?.["state"] === "alive");
    expect((await rowOf(small.world, "keeper", "small"))?.["state"]).toBe("alive");
    say("newcomer", "bye", { v: 1, boot: "b1" });
  });

  it("of heartbeats that nobody said hello for ask for no more hellos than a sweep allows", async () => {
    let wanted = 0;
    const end = small.world.wire.subscribe("small.agents.*.in", () => {
      wanted++;
    });
    const { agents: known } = await small.ask("router.status");
    const beganMs = performance.now();
    for (let index = 0; index < FLOOD; index++) say(`ghost${index}`, "heartbeat", heartbeatOf());
    await small.proveServed();
    const sweeps = Math.ceil((performance.now() - beganMs) / 500) + 1;
    await small.world.wire.sync();
    expect(wanted).toBeGreaterThan(0);
    expect(wanted).toBeLessThanOrEqual(sweeps * 500 + 2); // and what the requests above were published for
    expect((await small.ask("router.status"))["agents"]).toBe(known);
    end();
  });

  it("of frames that nobody understands are counted one by one, and do not flood the log", async () => {
    const [frames, atAgents, lines] = [
      small.world.counts.of("framesDropped", "malformed"),
      small.world.agentCounts.of("framesDropped", "malformed"),
      small.world.log.count,
    ];
    for (let index = 0; index < FLOOD / 2; index++) {
      small.world.wire.publish({ subject: "small.agents.keeper.out.heartbeat", data: Buffer.from("{") });
      small.world.wire.publish({ subject: "small.agents.keeper.in", data: Buffer.from("{") });
    }
    await until("the router counted them", () => small.world.counts.of("framesDropped", "malformed") - frames === FLOOD / 2);
    await until(
      "the agent counted them",
      () => small.world.agentCounts.of("framesDropped", "malformed") - atAgents === FLOOD / 2,
    );
    expect(small.world.log.count - lines).toBeLessThan(300);
    expect(Number((await small.ask("router.status"))["framesDropped"])).toBeGreaterThanOrEqual(FLOOD / 2);
  });

  it("of operations are refused by the agent beyond what it can hold", async () => {
    await small.world.addAgents("small", [{ id: "narrow", capacity: 1, queueMax: 2, handlers }]);
    const statuses: string[] = [];
    const end = small.world.wire.subscribe("small.agents.narrow.out.reply.flood", ({ data }) => {
      statuses.push((decode(data) as { status: string }).status);
    });
    const before = small.world.runs.length;
    for (let index = 0; index < 1_000; index++) {
      const frame = {
        v: 1,
        kind: "operation",
        operationId: `${ulid("004")}/${index}`,
        router: "flood",
        operation: "slow",
        type: "gather",
        remainingMs: 300,
      };
      small.world.wire.publish({ subject: "small.agents.narrow.in", data: encode(frame) });
    }
    await until("all are answered", () => statuses.length === 1_000);
    expect(statuses.filter((status) => status === "refused")).toHaveLength(997);
    expect(small.world.runs.length - before).toBeLessThanOrEqual(3);
    expect(await small.ask("coordinate.gather", { goal: { operation: "number" }, agents: { ids: ["narrow"] } })).toMatchObject({
      status: "completed",
    });
    end();
  });
});
