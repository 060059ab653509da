import {
  type CausalToken,
  encodeToken,
  type Lanes,
  type PendingDot,
  tokenLimits,
  VectorClock,
  withoutAnswered,
} from "@nexus/core-clocks";
import { hasBegun, hasRun, type Step } from "./step.ts";

/**
 * What a causal request comes after, and what a later one has to know of it. Within a request nothing is pending: a step is
 * published when all agents of those that it is after have run them. So agents wait for nothing but what a token names, and
 * who has run any step of the request has nothing more to wait for.
 */

export function pendingBefore(token: CausalToken, steps: readonly Step[]): readonly PendingDot[] {
  if (token.pending.length === 0) return token.pending;
  const ran = new Set<string>();
  for (const { phases, unheeded } of steps) {
    for (const fanOut of phases) {
      for (const [agent, reply] of fanOut.answers) if (hasRun(reply) && !unheeded.has(agent)) ran.add(agent);
    }
  }
  return withoutAnswered(token.pending, ran);
}

/** Gives a step its place among others. @returns the lane, to be given back at the step's end; undefined where all are taken */
export function begin(step: Step, steps: readonly Step[], token: CausalToken, lanes: Lanes): number | undefined {
  const lane = lanes.take();
  if (lane === undefined) return undefined;
  const { line, count } = lanes.next(lane);
  const before = step.after.reduce((clock, index) => clock.merge(steps[index]?.event?.clock ?? VectorClock.zero), token.clock);
  step.event = { line, count, clock: before.tick(line, count) };
  return lane;
}

/** Steps that neither come before this one nor after it. O(steps). */
export function concurrentWith({ index, event }: Step, steps: readonly Step[]): number[] {
  if (event === undefined) return [];
  return steps.flatMap((other) => {
    if (other.index === index || other.event === undefined || !hasBegun(other)) return [];
    const isBefore = event.count <= other.event.clock.count(event.line);
    const isAfter = other.event.count <= event.clock.count(other.event.line);
    return isBefore || isAfter ? [] : [other.index];
  });
}

/**
 * Undefined where nothing was run.
 * @throws RangeError where it would be larger than a token may be
 */
export function tokenAfter(token: CausalToken, steps: readonly Step[]): string | undefined {
  const begun = steps.filter(hasBegun);
  if (begun.length === 0) return undefined;
  const clock = begun.reduce((all, { event }) => (event === undefined ? all : all.merge(event.clock)), token.clock);
  const pending = [...pendingBefore(token, steps), ...begun.flatMap(pendingOf)];
  const named = pending.flatMap(inParts);
  return encodeToken({ clock, pending: named.length > tokenLimits.pendingMax ? pending : named });
}

/** More agents than one entry names are named by several: what has no names is heeded by all. */
function inParts(dot: PendingDot): PendingDot[] {
  const { agents } = dot;
  if (agents === undefined || agents.length <= tokenLimits.agentsMax) return [dot];
  const count = Math.ceil(agents.length / tokenLimits.agentsMax);
  return Array.from({ length: count }, (_, part) => {
    const first = part * tokenLimits.agentsMax;
    return { ...dot, agents: agents.slice(first, first + tokenLimits.agentsMax) };
  });
}

/** Who was sent it and has not run it. */
function pendingOf({ sends }: Step): PendingDot[] {
  return sends.flatMap(({ number, fanOut }) => {
    const agents = [...number.sentTo].filter((agent) => !hasRun(fanOut.answers.get(agent)));
    return agents.length === 0 ? [] : [{ ...number.dot, agents }];
  });
}
