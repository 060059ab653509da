import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import type { Handler } from "@nexus/agent";
import {
  type CoordinationResult,
  createSubjects,
  decode,
  encode,
  type OperationFrame,
  type OutcomeOf,
  resultSchema,
} from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gate, type Stack, type StackRouter, startStack, until } from "./stack.ts";

/**
 * Proves causal order through real routers and agents: a token of one router at another, what was lost on its way, a router that
 * is gone, an agent that joins late, one that keeps no order, and tokens that lie. Handlers wait for gates that the test
 * opens, so that "has not ended" is no matter of time.
 */

const AGENTS = ["a1", "a2"];
const subjects = createSubjects("nexus");

describe("three routers", () => {
  let stack: Stack;
  let routers: [StackRouter, StackRouter, StackRouter];
  /** What agents began and ended, in order. */
  const log: string[] = [];
  const gates = new Map<string, ReturnType<typeof gate>>();
  /** Frames of these payloads to a2 are lost; how many of each. */
  const losing = new Map<string, number>();

  const note: Handler = async (payload, { agentId }) => {
    log.push(`${agentId} begins ${payload}`);
    await gates.get(`${agentId} ${payload}`)?.opened;
    log.push(`${agentId} ends ${payload}`);
    return null;
  };
  const lossy = (bus: Bus): Bus =>
    new Proxy(bus, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (name !== "publish") return typeof member === "function" ? member.bind(target) : member;
        return (...args: Parameters<Bus["publish"]>) => {
          if (!isLost(args[0], args[1])) target.publish(...args);
        };
      },
    });
  function isLost(subject: string, data: Uint8Array): boolean {
    if (subject !== subjects.agentIn("a2")) return false;
    const lost = [...losing].find(([payload, left]) => left > 0 && Buffer.from(data).includes(payload));
    if (lost !== undefined) losing.set(lost[0], lost[1] - 1);
    return lost !== undefined;
  }
  const addRouter = () => stack.addRouter(createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 }), {}, lossy);
  const knows = (router: StackRouter, count = AGENTS.length) =>
    until("the router knows the agents", () => router.router.agentsKnown() === count);
  const broadcast = (payload: string, more: object = {}) => ({ type: "broadcast", operation: "note", payload, ...more });
  async function causal(
    at: StackRouter,
    operations: object[],
    { after, ...more }: { after?: string; [field: string]: unknown } = {},
  ) {
    const goal = { operations, ...(after === undefined ? {} : { after }) };
    const body = { goal, agents: { group: "fleet" }, timeoutMs: 15_000, ...more };
    const answer = await at.door.ask("nexus.coordinate.causal", body);
    return read(resultSchema.parse(answer));
  }
  function read(result: CoordinationResult) {
    const outcome = result.outcome as OutcomeOf<"causal">;
    return { result, outcome, token: outcome.token ?? "", rowOf: (id: string) => outcome.rows.find(({ agent }) => agent === id) };
  }
  /** An operation that a2 does not answer in time. */
  async function unanswered(at: StackRouter, payload: string): Promise<string> {
    const { result, token } = await causal(at, [broadcast(payload)], { timeoutMs: 500 });
    expect(result).toMatchObject({ error: { code: "no-answer" }, agents: { responded: 1 } });
    return token;
  }
  const places = (...lines: string[]) => lines.map((line) => log.indexOf(line));

  beforeAll(async () => {
    stack = await startStack();
    routers = [await addRouter(), await addRouter(), await addRouter()];
    await stack.addAgents(AGENTS.map((id) => ({ id, groups: ["fleet"], capacity: 16, handlers: { note } })));
    for (const router of routers) await knows(router);
  });
  afterAll(() => stack.stop());

  it("a token of one router at another: who has not answered begins nothing before it has ended", async () => {
    gates.set("a2 first", gate());
    const token = await unanswered(routers[0], "first");
    expect(token).toMatch(/fleet\/1\/a2\|\.$/);
    const second = causal(routers[1], [broadcast("second")], { after: token });
    const third = causal(routers[2], [broadcast("unrelated")]);
    await until("who has answered begins", () => log.includes("a1 begins second"));
    expect((await third).result.status).toBe("completed");
    expect(log).not.toContain("a2 begins second");
    gates.get("a2 first")?.open();
    const { result, outcome } = await second;
    expect(result.status).toBe("completed");
    expect(outcome.operations[0]).toMatchObject({ gaps: 0, clock: expect.stringContaining(routers[0].router.id) });
    expect(outcome.token).toMatch(/^c1\|[^|]+\|\|\.$/);
    const [ended = -1, began = -1] = places("a2 ends first", "a2 begins second");
    expect([ended >= 0, began > ended]).toEqual([true, true]);
  });

  it("clocks tell across routers what came first, and what was concurrent within a request", async () => {
    const one = await causal(routers[0], [broadcast("c0"), broadcast("c1", { after: [] })]);
    const two = await causal(routers[1], [broadcast("c2")], { after: one.token });
    const three = await causal(routers[2], [broadcast("c3")], { after: two.token });
    expect(one.outcome.operations.map(({ concurrent }) => concurrent)).toEqual([[1], [0]]);
    const clock = three.outcome.operations[0]?.clock ?? "";
    for (const { router } of routers) expect(clock).toContain(router.id);
    expect(three.token).toContain(clock);
  });

  it("what was lost on its way is asked for, and comes before what was sent after it", async () => {
    losing.set("lost", 1);
    const [lost, next] = await Promise.all([causal(routers[0], [broadcast("lost")]), causal(routers[0], [broadcast("next")])]);
    expect([lost.result.status, next.result.status]).toEqual(["completed", "completed"]);
    expect(losing.get("lost")).toBe(0);
    const [first = -1, second = -1] = places("a2 begins lost", "a2 begins next");
    expect([first >= 0, second > first]).toEqual([true, true]);
  });

  it("what was given up is told by the router that lives, and its effect is not run", async () => {
    losing.set("never-came", 99);
    const token = await unanswered(routers[0], "never-came");
    const { result, rowOf } = await causal(routers[1], [broadcast("effect")], { after: token });
    expect(result).toMatchObject({ error: { code: "no-answer" }, agents: { responded: 1 } });
    const missing = [{ session: routers[0].router.id, scope: "fleet", cause: true }];
    expect(rowOf("a2")).toMatchObject({ status: "refused", error: { code: "causal-gap" }, causalMissing: missing });
    expect(log).toContain("a1 ends effect");
    expect(log.filter((line) => line.startsWith("a2") && line.endsWith("effect"))).toEqual([]);
    const allowed = await causal(routers[2], [broadcast("allowed")], { after: token, degrade: ["unordered"] });
    expect(allowed.outcome.operations).toMatchObject([{ status: "completed", gaps: 1 }]);
    expect(allowed.rowOf("a2")).toMatchObject({ status: "ok", causalMissing: missing });
  });

  it("a router that is gone: what has ended holds nothing up, what never came is given up in time", async () => {
    gates.set("a2 long", gate());
    losing.set("gone-with-it", 99);
    const [long, lost] = [await unanswered(routers[0], "long"), await unanswered(routers[0], "gone-with-it")];
    await routers[0].router.stop();
    routers[0] = await addRouter();
    await knows(routers[0]);
    const [behindLong, behindLost] = [
      causal(routers[0], [broadcast("behind-long")], { after: long }),
      causal(routers[1], [broadcast("behind-lost")], { after: lost }),
    ];
    await until("who has answered begins", () => log.includes("a1 begins behind-long"));
    gates.get("a2 long")?.open();
    expect((await behindLong).result.status).toBe("completed");
    expect(log.indexOf("a2 begins behind-long")).toBeGreaterThan(log.indexOf("a2 ends long"));
    expect((await behindLost).rowOf("a2")).toMatchObject({ status: "refused", error: { code: "causal-gap" } });
  });

  it("who joins late waits for nothing that was sent before", async () => {
    const before = await causal(routers[1], [broadcast("early")]);
    const connection = await stack.addAgents([{ id: "late", groups: ["fleet"], handlers: { note } }]);
    await knows(routers[1], AGENTS.length + 1);
    const { result, rowOf } = await causal(routers[1], [broadcast("joined"), broadcast("joined-2")], { after: before.token });
    expect(result.status).toBe("completed");
    expect(rowOf("late")).not.toHaveProperty("causalMissing");
    await connection.close();
    for (const router of routers) await knows(router);
  });

  it("an agent that keeps no order is not sent what would have to wait, unless it may run unordered", async () => {
    const bus = await stack.connect("bare");
    const given: OperationFrame[] = [];
    bus.subscribe(subjects.agentIn("bare"), ({ data }) => {
      const frame = decode(data) as unknown as OperationFrame;
      given.push(frame);
      if (frame.payload === "silent") return;
      const answer = { v: 1, kind: "reply", operationId: frame.operationId, status: "ok", inFlight: 0, queueDepth: 0 };
      bus.publish(subjects.agentReply("bare", frame.router), encode(answer));
    });
    await bus.flush();
    const hello = { v: 1, wire: { min: 1, max: 1 }, connId: "bare", boot: "b1", incarnation: 0, groups: [], labels: {} };
    bus.publish(subjects.agentHello("bare"), encode({ ...hello, capacity: 4, operations: ["note"] }));
    for (const router of routers) await knows(router, AGENTS.length + 1);
    const agents = { ids: ["bare"] };
    const silent = await causal(routers[0], [broadcast("silent")], { agents, timeoutMs: 200 });
    given.length = 0;
    const refused = await causal(routers[1], [broadcast("next")], { agents, after: silent.token });
    expect(refused.result.agents.missing).toMatchObject([
      { agent: "bare", reason: "not-sent", message: expect.stringContaining("does not keep causal order") },
    ]);
    expect(given).toEqual([]);
    const allowed = await causal(routers[1], [broadcast("next")], { agents, after: silent.token, degrade: ["unordered"] });
    expect(allowed.rowOf("bare")).toMatchObject({
      status: "ok",
      causalMissing: [{ session: routers[0].router.id, cause: true }],
    });
    // What it has answered holds nothing up.
    const answered = await causal(routers[2], [broadcast("one"), broadcast("two")], { agents });
    expect((await causal(routers[1], [broadcast("three")], { agents, after: answered.token })).result.status).toBe("completed");
    bus.publish(subjects.agentBye("bare"), encode({ v: 1, boot: "b1" }));
    for (const router of routers) await knows(router);
  });

  it("a token that lies makes its own request fail, and holds up no other", async () => {
    const forged = `c1||${routers[2].router.id}/fleet/zzzzzz|.`;
    await expect(routers[2].door.ask("nexus.coordinate.causal", requestWith(forged))).resolves.toMatchObject({
      ...{ status: "failed", executed: "none" },
      error: { code: "invalid-field", field: "goal.after" },
    });
    const lying = causal(routers[1], [broadcast("lie")], { after: forged });
    const honest = await causal(routers[1], [broadcast("honest")]);
    expect(honest.result.status).toBe("completed");
    expect((await lying).result).toMatchObject({
      status: "failed",
      agents: { missing: [{ reason: "refused" }, { reason: "refused" }] },
    });
    expect(log.filter((line) => line.endsWith("begins lie"))).toEqual([]);
    expect((await causal(routers[2], [broadcast("still-well")])).result.status).toBe("completed");
  });
  const requestWith = (after: string) => ({ goal: { operations: [broadcast("x")], after }, agents: { group: "fleet" } });

  it("nothing is held in the end", () => {
    for (const { router } of routers) expect(router.heldTotal()).toBe(0);
  });
});
