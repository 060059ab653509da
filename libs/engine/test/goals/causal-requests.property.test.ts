import type { OperationFrame, OutcomeOf } from "@nexus/contracts";
import { CausalDelivery, type Effect, scopeOfAll, scopeOfTargeted } from "@nexus/core-clocks";
import { createRandom, runVirtually } from "@nexus/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFleet, type Fleet, type Heard, type Script } from "../scripted-fleet.ts";

/**
 * Proves the promise of causal goals from request to request, for random requests behind random tokens, with agents that keep
 * order by the very core that the SDK has, whose handlers outlast requests, and frames that are lost: at no agent does an
 * operation begin before all have ended that it comes after and that were sent there (K5), and none runs twice.
 */

const GROUPS: Record<string, string[]> = { a: ["g"], b: ["g", "h"], c: ["h"], d: [] };
const AGENTS = Object.keys(GROUPS);
const LOSS = 0.2;

interface Beginning {
  readonly agent: string;
  readonly operationId: string;
  readonly endedBefore: ReadonlySet<string>;
}

/** What is seen of a run, and what everybody in it stands on. */
interface World {
  readonly random: () => number;
  readonly fleet: () => Fleet;
  readonly beginnings: Beginning[];
  /** By request: the operations that it comes after. */
  readonly pasts: Map<string, ReadonlySet<string>>;
}

/** An agent's side: what it holds back, runs and answers. */
class Keeper {
  readonly ended = new Set<string>();
  readonly id: string;
  readonly #world: World;
  readonly #delivery: CausalDelivery<OperationFrame>;

  constructor(id: string, world: World) {
    this.id = id;
    this.#world = world;
    this.#delivery = new CausalDelivery({ scopes: new Set([scopeOfAll, scopeOfTargeted, ...(GROUPS[id] ?? [])]) });
  }

  hear({ frame }: Heard): void {
    const { causal } = frame;
    if (causal === undefined) throw new Error("a causal operation without its place");
    const nowMs = this.#world.fleet().clock.monotonicMs();
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
    const { clock, engine, nothings } = this.#world.fleet();
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
    const { clock } = this.#world.fleet();
    const { body, dot } = message;
    const end = (ran: boolean): void => this.#carryOut(this.#delivery.ended(dot, ran, clock.monotonicMs()));
    if (missing.some(({ cause }) => cause)) {
      this.#say(body, "refused");
      end(false);
      return;
    }
    this.#world.beginnings.push({ agent: this.id, operationId: body.operationId, endedBefore: new Set(this.ended) });
    clock.schedule(this.#world.random() * 300, () => {
      this.ended.add(body.operationId);
      this.#say(body, "ok");
      end(true);
    });
  }

  #say({ operationId }: OperationFrame, status: "ok" | "refused"): void {
    this.#world.fleet().say(this.id, operationId, { status });
  }
}

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

/** One request behind a line, with whatever comes of it; later lines more often, so that they grow long. */
async function request({ random, fleet, pasts }: World, lines: Line[]): Promise<void> {
  const line = lines[Math.floor(Math.sqrt(random()) * lines.length)];
  const past = line?.past ?? new Set();
  const { engine, ids, planOf } = fleet();
  const id = ids.requestId();
  const operations = operationsOf(random);
  const goal = { operations, ...(line?.token === undefined ? {} : { after: line.token }) };
  pasts.set(id, past);
  const { report } = await engine.start(planOf("causal", { goal, timeoutMs: 100 + Math.floor(random() * 400) }, id)).done;
  const { token } = (report?.outcome ?? {}) as Partial<OutcomeOf<"causal">>;
  if (token !== undefined) lines.push({ token, past: new Set([...past, ...operations.map((_, index) => `${id}/${index}`)]) });
}

async function runWorld(seed: number) {
  const random = createRandom(seed);
  const world: World = { random, fleet: () => fleet, beginnings: [], pasts: new Map() };
  const members = AGENTS.map((id) => {
    const keeper = new Keeper(id, world);
    const script: Script = (heard) => {
      if (random() >= LOSS) keeper.hear(heard);
      return undefined;
    };
    return [id, { script, groups: GROUPS[id] ?? [], causal: true }];
  });
  const fleet: Fleet = createFleet(Object.fromEntries(members));
  const lines: Line[] = [];
  for (let round = 0; round < 8; round++) {
    const requests = Array.from({ length: 1 + Math.floor(random() * 3) }, () => request(world, lines));
    await runVirtually(fleet.clock, Promise.all(requests));
  }
  await fleet.pass(20_000);
  return { ...world, fleet };
}

test("no operation begins before what it comes after has ended there, and none runs twice", async () => {
  let waited = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const { beginnings, pasts, ...world } = await runWorld(seed);
      const { heard, expectNothingLeft } = world.fleet;
      waited += heard.filter(({ frame }) => frame.causal?.after !== undefined).length;
      for (const { agent, operationId, endedBefore } of beginnings) {
        const past = pasts.get(operationId.split("/")[0] ?? "") ?? new Set();
        const sentHere = heard.filter((one) => one.agent === agent && past.has(one.frame.operationId));
        const early = sentHere.map(({ frame }) => frame.operationId).filter((sent) => !endedBefore.has(sent));
        expect({ agent, operationId, early }).toEqual({ agent, operationId, early: [] });
      }
      const ran = beginnings.map(({ agent, operationId }) => `${agent} ${operationId}`);
      expect(ran.filter((line, index) => ran.indexOf(line) !== index)).toEqual([]);
      await expectNothingLeft();
    }),
    { numRuns: 60 },
  );
  expect(waited).toBeGreaterThan(100);
});
