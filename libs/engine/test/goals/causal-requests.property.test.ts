import type { OperationFrame, OutcomeOf } from "@nexus/contracts";
import { CausalDelivery, type Effect, scopeOfAll, scopeOfTargeted } from "@nexus/core-clocks";
import { createRandom } from "@nexus/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFleet, type Fleet, type Heard } from "../scripted-fleet.ts";

/**
 * Proves the promise of causal goals from request to request, for random requests behind random tokens, with agents that keep
 * order by the very core that the SDK has, whose handlers outlast requests, and frames that are lost: at no agent does an
 * operation begin before all have ended that it comes after and that were sent there (K5), and none runs twice.
 */

const GROUPS: Record<string, string[]> = { a: ["g"], b: ["g", "h"], c: ["h"], d: [] };
const AGENTS = Object.keys(GROUPS);
const LOSS = 0.2;

/** An agent's side: what it holds back, runs and answers. */
class Keeper {
  readonly began: string[] = [];
  readonly ended = new Set<string>();
  readonly id: string;
  readonly #fleet: () => Fleet;
  readonly #random: () => number;
  readonly #delivery: CausalDelivery<OperationFrame>;

  constructor(id: string, fleet: () => Fleet, random: () => number) {
    this.id = id;
    this.#fleet = fleet;
    this.#random = random;
    this.#delivery = new CausalDelivery({ scopes: new Set([scopeOfAll, scopeOfTargeted, ...(GROUPS[id] ?? [])]) });
  }

  hear({ frame }: Heard): void {
    const { causal } = frame;
    if (causal === undefined) throw new Error("a causal operation without its place");
    const nowMs = this.#fleet().clock.monotonicMs();
    const dot = { session: frame.router, scope: causal.scope, seq: causal.seq };
    const message = {
      dot,
      before: causal.before,
      after: causal.after ?? [],
      body: frame,
      bytes: 1,
      untilMs: nowMs + frame.remainingMs,
    };
    const { verdict, effects } = this.#delivery.receive(message, nowMs);
    this.#carryOut(effects);
    if (typeof verdict === "object") throw new Error(verdict.refused);
    if (verdict === "past" && this.ended.has(frame.operationId)) this.#say(frame, "ok");
    if (verdict === "passed-over") this.#say(frame, "refused");
  }

  #carryOut(effects: readonly Effect<OperationFrame>[]): void {
    const { clock, engine, nothings } = this.#fleet();
    for (const effect of effects) {
      if (effect.kind === "drop") this.#say(effect.message.body, "refused");
      if (effect.kind === "deliver") this.#begin(effect);
      if (effect.kind !== "ask") continue;
      const { scope, from, to } = effect.range;
      engine.causalAsked(this.id, { v: 1, boot: "b", scope, from, to });
      clock.schedule(1, () => {
        for (const told of nothings.filter(({ agent }) => agent === this.id)) {
          const { frame } = told;
          nothings.splice(nothings.indexOf(told), 1);
          const run = { session: frame.router, scope: frame.scope, from: frame.from, to: frame.to };
          this.#carryOut(this.#delivery.skip(run, frame.lost, clock.monotonicMs()).effects);
        }
      });
    }
    const { wakeMs } = this.#delivery;
    if (wakeMs === undefined) return;
    clock.schedule(Math.max(0, wakeMs - clock.monotonicMs()), () => this.#carryOut(this.#delivery.sweep(clock.monotonicMs())));
  }

  #begin({ message, missing }: Extract<Effect<OperationFrame>, { kind: "deliver" }>): void {
    const { clock } = this.#fleet();
    const { body, dot } = message;
    const end = (ran: boolean): void => this.#carryOut(this.#delivery.ended(dot, ran, clock.monotonicMs()));
    if (missing.some(({ cause }) => cause)) {
      this.#say(body, "refused");
      end(false);
      return;
    }
    this.began.push(body.operationId);
    order.push({ agent: this.id, operationId: body.operationId, endedBefore: new Set(this.ended) });
    clock.schedule(this.#random() * 300, () => {
      this.ended.add(body.operationId);
      this.#say(body, "ok");
      end(true);
    });
  }

  #say({ operationId }: OperationFrame, status: "ok" | "refused"): void {
    this.#fleet().say(this.id, operationId, { status });
  }
}

interface Beginning {
  readonly agent: string;
  readonly operationId: string;
  readonly endedBefore: ReadonlySet<string>;
}
let order: Beginning[] = [];

/** What a client holds: the token, and of what operations it is. */
interface Line {
  readonly token: string | undefined;
  readonly past: ReadonlySet<string>;
}

function operationsOf(random: () => number): object[] {
  const some = () => AGENTS.filter(() => random() < 0.5);
  return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => {
    const kind = Math.floor(random() * 5);
    const ids = some();
    const agents = kind < 2 || ids.length === 0 ? { all: true } : kind === 2 ? { group: random() < 0.5 ? "g" : "h" } : { ids };
    const after = random() < 0.5 && index > 0 ? [index - 1] : [];
    const coordinator = AGENTS[Math.floor(random() * AGENTS.length)];
    return {
      ...{ operation: "ask", agents, after },
      ...(kind === 4 ? { type: "coordinated", coordinator } : { type: "targeted" }),
    };
  });
}

async function world(seed: number): Promise<{ fleet: Fleet; keepers: Keeper[]; lines: Line[]; waited: number }> {
  const random = createRandom(seed);
  order = [];
  const keepers = AGENTS.map((id) => new Keeper(id, () => fleet, random));
  const members = keepers.map((keeper) => {
    const script = (heard: Heard) => void (random() >= LOSS && keeper.hear(heard));
    return [keeper.id, { script: (heard: Heard) => script(heard) as undefined, groups: GROUPS[keeper.id] ?? [], causal: true }];
  });
  const fleet: Fleet = createFleet(Object.fromEntries(members));
  const lines: Line[] = [{ token: undefined, past: new Set() }];
  for (let round = 0; round < 8; round++) {
    const requests = Array.from({ length: 1 + Math.floor(random() * 3) }, async () => {
      const { token, past } = lines[Math.floor(Math.sqrt(random()) * lines.length)] ?? {
        token: undefined,
        past: new Set<string>(),
      };
      const id = fleet.ids.requestId();
      const operations = operationsOf(random);
      const goal = { operations, ...(token === undefined ? {} : { after: token }) };
      const running = fleet.start("causal", { goal, timeoutMs: 100 + Math.floor(random() * 400) }, id);
      const { report } = await running.done;
      const outcome = report?.outcome as OutcomeOf<"causal"> | undefined;
      pasts.set(id, past);
      if (outcome?.token === undefined) return;
      const own = operations.map((_, index) => `${id}/${index}`);
      lines.push({ token: outcome.token, past: new Set([...past, ...own]) });
    });
    await fleet.ended({ done: Promise.all(requests) as never, cancel() {} });
  }
  await fleet.pass(20_000);
  return { fleet, keepers, lines, waited: fleet.heard.filter(({ frame }) => frame.causal?.after !== undefined).length };
}
let pasts = new Map<string, ReadonlySet<string>>();

test("no operation begins before what it comes after has ended there, and none runs twice", async () => {
  let waited = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      pasts = new Map();
      const { fleet, keepers, ...made } = await world(seed);
      waited += made.waited;
      for (const { agent, operationId, endedBefore } of order) {
        const past = pasts.get(operationId.split("/")[0] ?? "") ?? new Set();
        const sentHere = fleet.heard.filter((heard) => heard.agent === agent && past.has(heard.frame.operationId));
        const early = sentHere.filter(({ frame }) => !endedBefore.has(frame.operationId)).map(({ frame }) => frame.operationId);
        expect({ agent, operationId, early }).toEqual({ agent, operationId, early: [] });
      }
      for (const { began } of keepers) expect(new Set(began).size).toBe(began.length);
      await fleet.expectNothingLeft();
    }),
    { numRuns: 60 },
  );
  expect(waited).toBeGreaterThan(100);
});
