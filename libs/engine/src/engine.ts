import {
  type CausalAsk,
  type CausalOperation,
  type Decision,
  type ErrorBody,
  type Executed,
  type GoalOf,
  type Layer,
  type MissingReason,
  NexusError,
  roundMs,
  type Selector,
  toErrorBody,
  type Vote,
} from "@nexus/contracts";
import type { Clock, Ids, Logger, Telemetry } from "@nexus/ports";
import { answerAsk } from "./causal/answer-ask.ts";
import { CausalSession } from "./causal/causal-session.ts";
import type { Dispatcher, FrameBody } from "./dispatcher.ts";
import type { DriveDeps } from "./fan-out/drive.ts";
import { BalanceRun } from "./goals/balance/balance-run.ts";
import { broadcastCollector } from "./goals/broadcast.ts";
import { CausalRun } from "./goals/causal/causal-run.ts";
import { consensusCollector } from "./goals/consensus.ts";
import { FanOutRun } from "./goals/fan-out-run.ts";
import { gatherCollector } from "./goals/gather.ts";
import type { GoalRun, RunReport } from "./goals/run.ts";
import { layersOf, planRungs, type Walk, walkDown } from "./ladder/ladder.ts";
import { rungs as allRungs, type Rung } from "./ladder/promises.ts";
import type { Plan } from "./plan.ts";
import type { AgentEntry, RoutingTable, Targets } from "./table/routing-table.ts";

/**
 * Carries accepted requests out: chooses the targets, walks the ladder, reports with the decision record.
 *
 * Invariants
 * E1. Nothing is published for a request that has no targets, or whose promise no rung can keep.
 * E2. When a run has ended it holds no timer, no listener and no in-flight count.
 */

export interface EngineDeps {
  readonly table: RoutingTable;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly routerId: string;
  /** Highest first; those of the promise table unless a test says otherwise. */
  readonly rungs?: readonly Rung[];
}

/** What a coordination came to. */
export interface Coordinated {
  /** Absent after a dry run. */
  readonly report: RunReport | undefined;
  /** Who would have been asked, in a dry run. */
  readonly planned?: RunReport["agents"];
  readonly decision: Decision;
  readonly executed: Executed;
  /** Why no rung carried it. */
  readonly error: ErrorBody | undefined;
}

export interface Coordination {
  readonly done: Promise<Coordinated>;
  cancel(): void;
}

export class Engine {
  readonly #deps: EngineDeps;
  readonly #running = new Set<GoalRun>();
  readonly #rungs: readonly Rung[];
  /** Of the rungs; none is ever away as long as there are no breakers. */
  readonly #layers: Layer[];
  readonly #causal: CausalSession;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.#causal = new CausalSession(deps.routerId, deps.telemetry);
    this.#rungs = deps.rungs ?? allRungs;
    this.#layers = layersOf(this.#rungs);
  }

  /** Coordinations under way. */
  get active(): number {
    return this.#running.size;
  }

  /**
   * The agents that a request is for.
   * @throws NexusError `no-targets` where it, or a step of it, means nobody, or nobody who offers the operation (E1);
   * `no-quorum` where fewer are there than have to agree
   */
  targetsOf(request: Plan["request"]): Targets {
    const { goal } = request;
    const targets = this.#select(request.agents, "agents");
    if (goal.type === "causal") {
      for (const [index, step] of goal.operations.entries()) this.#checkStep(step, `goal.operations.${index}`, targets);
    } else checkOffered(targets, goal.operation, "goal.operation");
    if (goal.type === "consensus") checkElectorate(goal.vote, electorateOf(targets).length);
    return targets;
  }

  #select(selector: Selector, field: string): Targets {
    const targets = this.#deps.table.select(selector);
    if (targets.agents.length > 0) return targets;
    const wanted = JSON.stringify(selector).slice(0, 200);
    throw new NexusError("no-targets", `no agent matches ${wanted}; see nexus.router.agents for who is there`, { field });
  }

  #checkStep(step: CausalOperation, field: string, all: Targets): void {
    const targets = step.agents === undefined ? all : this.#select(step.agents, `${field}.agents`);
    const coordinator = step.coordinator === undefined ? undefined : this.#deps.table.get(step.coordinator);
    if (step.coordinator !== undefined && coordinator === undefined) {
      throw new NexusError("no-targets", `no agent "${step.coordinator}" is known`, { field: `${field}.coordinator` });
    }
    checkOffered(coordinator === undefined ? targets : { agents: [coordinator] }, step.operation, `${field}.operation`);
  }

  /** @throws NexusError `not-implemented`, `promise-not-kept`, `invalid-field` for a causal token: nothing was sent */
  start(plan: Plan): Coordination {
    refuseUnbuilt(plan.request);
    const { rungs, ceiling } = planRungs(plan, this.#rungs);
    const [first] = rungs;
    if (first === undefined) {
      throw new NexusError(
        "promise-not-kept",
        `no layer up to "${ceiling.layer}" keeps what a ${plan.type} goal promises; raise maxLayer`,
        {
          field: "maxLayer",
        },
      );
    }
    const base: Base = { available: this.#layers, ceiling, tableVersion: plan.targets.version, balancer: balancerChoice(plan) };
    if (plan.request.dryRun === true) return { done: Promise.resolve(this.#dryRun(plan, first, base)), cancel() {} };
    const run = this.#createRun(plan);
    this.#running.add(run);
    return { done: this.#carry(plan, run, rungs, base), cancel: () => run.cancel() };
  }

  /** What would be done, by the same run that would do it: nobody was asked, so every agent is `not-sent`. */
  #dryRun(plan: Plan, rung: Rung, base: Base): Coordinated {
    const { agents } = this.#createRun(plan).report();
    const decision: Decision = {
      layer: rung.layer,
      strategy: rung.strategy,
      why: "dry run: planned, nothing executed",
      ...base,
      actual: {},
      attempts: [],
      costs: {},
    };
    return { report: undefined, planned: agents, decision, executed: "none", error: undefined };
  }

  /** An agent left, died, or came back as another life. */
  agentGone(agent: AgentEntry, reason: MissingReason): void {
    for (const run of this.#running) run.agentGone(agent.id, reason);
  }

  /** An agent misses causal operations: it gets them again, or is told that there is nothing. @returns messages sent to it */
  causalAsked(agent: string, ask: CausalAsk): number {
    return answerAsk(this.#causal, this.#deps.table.get(agent), ask, this.#deps);
  }

  /** Of agents that the table does not know any more nothing is remembered. O(agents that causal operations were sent to). */
  forgetGone(): void {
    this.#causal.forgetGone(this.#deps.table);
  }

  async #carry(plan: Plan, run: GoalRun, rungs: readonly Rung[], base: Base): Promise<Coordinated> {
    let walk: Walk;
    try {
      walk = await walkDown(plan, run, rungs, this.#deps);
    } finally {
      this.#running.delete(run);
    }
    const report = run.report();
    const rung = walk.rung ?? rungs[walk.attempts.length - 1] ?? rungs[0];
    const decision: Decision = {
      layer: rung?.layer ?? "emergency",
      strategy: rung?.strategy ?? "round-robin",
      why:
        walk.attempts.length > 1
          ? `the rungs above failed; ${walk.attempts.length} attempts`
          : "highest rung that is available, allowed and keeps the promise",
      available: base.available,
      ceiling: base.ceiling,
      tableVersion: base.tableVersion,
      balancer: base.balancer,
      actual: {
        durationMs: roundMs(this.#deps.clock.monotonicMs() - plan.arrivedMs),
        success: report.status === "completed" ? 1 : 0,
      },
      attempts: walk.attempts,
      costs: walk.costs,
    };
    const error = walk.error === undefined ? undefined : { ...toErrorBody(walk.error), executed: report.executed };
    return { report, decision, executed: report.executed, error };
  }

  #createRun(plan: Plan): GoalRun {
    const { goal } = plan.request;
    const deps: DriveDeps = this.#deps;
    const targeted = plan.targets.agents.length + plan.targets.unknown.length;
    switch (goal.type) {
      case "broadcast":
        return new FanOutRun(plan, broadcastCollector(goal, targeted), bodyOf(goal, goal.ack !== "none"), deps);
      case "gather":
        return new FanOutRun(plan, gatherCollector(goal, targeted), bodyOf(goal, true), deps);
      case "consensus":
        return new FanOutRun(plan, consensusCollector(withVote(goal), electorateOf(plan.targets)), bodyOf(goal, true), deps);
      case "balance":
        return new BalanceRun(plan, goal, this.#deps.ids.random(), deps);
      case "causal":
        return new CausalRun(plan, goal, (operation) => this.#causalTargets(operation, plan.targets), {
          ...this.#deps,
          causal: this.#causal,
        });
    }
  }

  /** A targeted step names its agents; the others are for all that the request is for, the coordinator included. */
  #causalTargets(operation: CausalOperation, all: Targets): Targets {
    const targets = operation.agents === undefined ? all : this.#deps.table.select(operation.agents);
    const { coordinator } = operation;
    if (coordinator === undefined || targets.agents.some((agent) => agent.id === coordinator)) return targets;
    const entry = this.#deps.table.get(coordinator);
    return entry === undefined
      ? { ...targets, unknown: [...targets.unknown, coordinator] }
      : { ...targets, agents: [...targets.agents, entry] };
  }
}

function checkOffered({ agents }: Pick<Targets, "agents">, operation: string, field: string): void {
  if (agents.some((agent) => agent.operations.has(operation))) return;
  throw new NexusError("no-targets", `none of the ${agents.length} agents offers operation "${operation}"`, { field });
}

/** A vote that nobody could win is refused before anybody is asked. */
function checkElectorate(vote: Vote | undefined, electorate: number): void {
  if (vote?.quorum === undefined || vote.quorum <= electorate) return;
  throw new NexusError("no-quorum", `${vote.quorum} votes are needed and ${electorate} agents are asked`, {
    field: "goal.vote.quorum",
  });
}

/** What the wire knows and this release does not do: refused before anything is sent, never ignored. */
function refuseUnbuilt({ goal }: Plan["request"]): void {
  const refuse = (field: string, what: string): never => {
    throw new NexusError("not-implemented", `${what}; leave ${field} out`, { field });
  };
  if (goal.type === "consensus" && (goal.commit === true || goal.vote === undefined)) {
    refuse("goal.commit", "commit needs the consensus service's log, which this release does not have; ask for a vote alone");
  }
  if (goal.type === "balance" && goal.key !== undefined) {
    refuse("goal.key", "no balancer of this release keeps pieces together by a key");
  }
}

function withVote(goal: GoalOf<"consensus">): GoalOf<"consensus"> & { vote: Vote } {
  if (goal.vote === undefined) throw new NexusError("internal", "a consensus goal without a vote was not refused");
  return { ...goal, vote: goal.vote };
}

function electorateOf(targets: Targets): string[] {
  return [...targets.agents.map((agent) => agent.id), ...targets.unknown];
}

function bodyOf(goal: { operation: string; payload?: FrameBody["payload"] }, reply: boolean): FrameBody {
  return { operation: goal.operation, reply, ...(goal.payload === undefined ? {} : { payload: goal.payload }) };
}

/** What of a decision is known before anything is tried. */
type Base = Pick<Decision, "available" | "ceiling" | "tableVersion" | "balancer">;

function balancerChoice(plan: Plan): Decision["balancer"] {
  const { goal } = plan.request;
  if (goal.type !== "balance") return undefined;
  const asked = goal.strategy ?? "round-robin";
  const strategy =
    asked === "round-robin"
      ? "asked for, or the default"
      : `${asked} belongs to the performance layer, which this release does not have`;
  const why = goal.hedge === true ? `${strategy}; nothing is hedged, for the same reason` : strategy;
  return { asked, used: "round-robin", why };
}
