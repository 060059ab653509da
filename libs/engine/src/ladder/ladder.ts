import {
  type Attempt,
  attributes,
  type Decision,
  type Layer,
  layers,
  limits,
  messageOf,
  NexusError,
  roundMs,
  toErrorBody,
} from "@nexus/contracts";
import type { Clock, Logger, Span, Telemetry } from "@nexus/ports";
import type { GoalRun } from "../goals/run.ts";
import { Attempting, type Plan } from "../plan.ts";
import { isEligible, type Rung } from "./promises.ts";

/**
 * The walk down. What fails an attempt is a fault of the mechanism, never a slow agent; the next rung takes over with
 * what was achieved, and the rung that failed is not tried again for this request. A defect of ours ends the walk, since
 * no other rung could be trusted with what it left; so does what every rung would refuse (a frame that is too large).
 */

export interface LadderDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/** Until a graduation ledger grants more or less, this is the ceiling of every class. */
const DEFAULT_CEILING: Layer = "performance";

export interface Walk {
  readonly attempts: Attempt[];
  readonly costs: Decision["costs"];
  /** The rung that carried the request to its end. */
  readonly rung: Rung | undefined;
  /** Why no rung did. */
  readonly error: NexusError | undefined;
}

/** The layers that rungs belong to, lowest first. */
export function layersOf(rungs: readonly Rung[]): Layer[] {
  return [...new Set(rungs.map((rung) => rung.layer))].sort((a, b) => rank(a) - rank(b));
}

/** Of all rungs those that may carry the request, highest first, and under which ceiling. */
export function planRungs(plan: Plan, all: readonly Rung[]): { rungs: Rung[]; ceiling: Decision["ceiling"] } {
  const asked = plan.request.maxLayer;
  const layer = asked === undefined || rank(asked) > rank(DEFAULT_CEILING) ? DEFAULT_CEILING : asked;
  return {
    rungs: all.filter((rung) => rank(rung.layer) <= rank(layer) && isEligible(rung, plan.request)),
    ceiling: { layer, by: asked === layer ? "request" : "default" },
  };
}

export async function walkDown(plan: Plan, run: GoalRun, rungs: readonly Rung[], deps: LadderDeps): Promise<Walk> {
  const walk = { attempts: [] as Attempt[], costs: {} as Decision["costs"] };
  let error: NexusError | undefined;
  for (const rung of rungs) {
    if (walk.attempts.length >= limits.attemptsMax || deps.clock.monotonicMs() >= plan.deadlineMs) break;
    const attempting = begin(plan, rung, walk, deps);
    const earlier = error;
    error = undefined;
    try {
      await run.attempt(attempting.context);
    } catch (thrown) {
      error = asFault(thrown);
    }
    end(attempting, plan, rung, walk, { earlier, error }, deps);
    if (error === undefined) return { attempts: walk.attempts, costs: walk.costs, rung, error: undefined };
    if (error.family !== "unavailable" || !run.canDescend()) break;
  }
  return { ...walk, rung: undefined, error };
}

interface Begun {
  readonly context: Attempting;
  readonly span: Span;
  readonly beganMs: number;
}

function begin(plan: Plan, rung: Rung, walk: Pick<Walk, "attempts">, { clock, telemetry }: LadderDeps): Begun {
  const beganMs = clock.monotonicMs();
  const span = telemetry.startSpan("attempt", {
    kind: "internal",
    parent: plan.trace,
    fill: { layer: rung.layer, strategy: rung.strategy },
    attributes: () => ({ [attributes.layer]: rung.layer, [attributes.strategy]: rung.strategy }),
  });
  let sent = 0;
  for (const attempt of walk.attempts) sent += attempt.messages;
  const handlerSpansMax = Math.max(0, limits.handlerSpansMax - sent);
  const context = new Attempting(rung, clock, span.context, handlerSpansMax);
  return { context, span, beganMs };
}

/** What is told of an attempt when it has ended. */
function end(
  { context, span, beganMs }: Begun,
  plan: Plan,
  rung: Rung,
  walk: Pick<Walk, "attempts" | "costs">,
  { earlier, error }: { readonly earlier: NexusError | undefined; readonly error: NexusError | undefined },
  { clock, logger }: LadderDeps,
): void {
  const { tally, handlerSpansMax } = context;
  context.end();
  if (tally.messages > handlerSpansMax) span.set({ [attributes.handlersUnrecorded]: tally.messages - handlerSpansMax });
  span.end(error?.code);
  const cost = walk.costs[rung.layer] ?? { us: 0, messages: 0 };
  walk.costs[rung.layer] = { us: Math.round((cost.us + tally.busyUs) * 10) / 10, messages: cost.messages + tally.messages };
  const attempt: Attempt = {
    layer: rung.layer,
    strategy: rung.strategy,
    why: earlier === undefined ? "highest eligible rung" : `the rung above failed: ${earlier.code}`,
    startedMs: roundMs(beganMs - plan.arrivedMs),
    durationMs: roundMs(clock.monotonicMs() - beganMs),
    messages: tally.messages,
    answers: tally.answers,
  };
  if (error !== undefined) attempt.error = toErrorBody(error);
  walk.attempts.push(attempt);
  if (plan.events.followed) {
    plan.events.emit({ event: "attempt", message: `${rung.layer}/${rung.strategy}`, status: error?.code ?? "ok" });
  }
  if (error === undefined) return;
  const facts = { requestId: plan.id, layer: rung.layer, strategy: rung.strategy, err: error };
  if (error.family === "defect") logger.error(facts, "an attempt met a defect");
  else if (error.family === "rejected") logger.debug(facts, "attempt refused");
  else logger.warn(facts, "attempt failed");
}

function asFault(thrown: unknown): NexusError {
  if (thrown instanceof NexusError) return thrown;
  return new NexusError("internal", messageOf(thrown), {
    cause: thrown,
    executed: "unknown",
  });
}

function rank(layer: Layer): number {
  return layers.indexOf(layer);
}
