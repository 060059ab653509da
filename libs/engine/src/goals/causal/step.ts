import {
  type CausalMissing,
  type CausalOperation,
  type JsonValue,
  limits,
  operationIdOf,
  type ReplyFrame,
} from "@nexus/contracts";
import type { Dot, Scope, VectorClock } from "@nexus/core-clocks";
import type { NumberedSend } from "../../causal/causal-session.ts";
import type { FrameBody } from "../../dispatcher.ts";
import { FanOut } from "../../fan-out/fan-out.ts";
import type { Plan } from "../../plan.ts";
import type { AgentEntry, Targets } from "../../table/routing-table.ts";

/** One operation of a causal goal, and what has come of it. */
export interface Step {
  readonly index: number;
  readonly operation: CausalOperation;
  readonly after: readonly number[];
  readonly targets: Targets;
  readonly scope: Scope;
  /** A coordinated step asks its coordinator first. */
  readonly phases: readonly FanOut[];
  /** Of the coordinator. */
  answer: JsonValue | undefined;
  /** What was counted for it, by fan-out; one for each time that it was driven. */
  readonly sends: { readonly number: NumberedSend; readonly fanOut: FanOut }[];
  /** Where it is among others, from its beginning. */
  event: Event | undefined;
  /** Agents that keep no order and were sent it all the same, with what they should have waited for. */
  readonly unheeded: Map<string, readonly Dot[]>;
}

/** It comes before whatever counts as many of its line. */
export interface Event {
  readonly line: string;
  readonly count: number;
  readonly clock: VectorClock;
}

export function hasBegun(step: Step): boolean {
  return step.phases.some((fanOut) => fanOut.everSent);
}

/** Whether the agent that answered so has run it, well or badly, as the agent itself counts it. */
export function hasRun(reply: ReplyFrame | undefined): boolean {
  if (reply?.status === "ok") return true;
  return reply?.status === "error" && !(reply.error?.code === "cancelled" && reply.error.executed === "none");
}

export function okCount(fanOut: FanOut): number {
  let count = 0;
  for (const reply of fanOut.answers.values()) if (reply.status === "ok") count++;
  return count;
}

/** What was missing at the agent when it ran this, as it says itself; of one that keeps no order, as it is known here. */
export function missingAt({ unheeded }: Step, agent: string, reply: ReplyFrame | undefined): CausalMissing {
  const dots = (unheeded.get(agent) ?? []).slice(0, limits.causalMissingMax);
  if (dots.length === 0) return reply?.causalMissing ?? [];
  return dots.map(({ session, scope, seq }) => ({ session, scope, from: seq, to: seq, cause: true }));
}

export function bodyOf({ operation, answer }: Step, phase: number): FrameBody {
  const { coordinator, payload } = operation;
  return {
    operation: operation.operation,
    reply: true,
    ...(payload === undefined ? {} : { payload }),
    ...(phase === 0 || coordinator === undefined
      ? {}
      : { coordination: { coordinator, ...(answer === undefined ? {} : { answer }) } }),
  };
}

export function phasesOf(plan: Plan, operation: CausalOperation, index: number, targets: Targets): FanOut[] {
  const fanOut = (expected: readonly AgentEntry[], askedBefore: readonly AgentEntry[] = []) =>
    new FanOut({
      index,
      operationId: operationIdOf(plan.id, index),
      expected,
      askedBefore: new Set(askedBefore.map((agent) => agent.id)),
      onAnswer: () => ({ holds: false }),
    });
  if (operation.type !== "coordinated") return [fanOut(targets.agents)];
  const first = targets.agents.filter((agent) => agent.id === operation.coordinator);
  const others = targets.agents.filter((agent) => agent.id !== operation.coordinator);
  return others.length === 0 ? [fanOut(first)] : [fanOut(first), fanOut(others, first)];
}
