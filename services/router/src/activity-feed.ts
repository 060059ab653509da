import {
  type Activity,
  type ActivityEvent,
  attributes,
  type CoordinationRequest,
  type CoordinationResult,
  type ErrorBody,
  encode,
  type GoalType,
  goalClassOf,
  limits,
  type Subjects,
  type WatchAnswer,
  type WatchInterest,
  wants,
} from "@nexus/contracts";
import type { Bus, Clock, Telemetry } from "@nexus/ports";

/**
 * What this router does, told to those who watch.
 *
 * Invariants
 * W1. Without a watcher nothing is published; it costs a map entry and a few counts for each coordination.
 * W2. At most `limits.watchersMax` interests stand, each until its lease ends; a further one is told so.
 * W3. At most `limits.watchEventsPerSecondMax` events a second are published, whoever watches; the others are counted, and
 *     every frame says how many there were.
 */

export interface ActivityDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly routerId: string;
}

interface Standing {
  readonly interest: WatchInterest;
  readonly untilMs: number;
}

export class ActivityFeed {
  readonly #deps: ActivityDeps;
  readonly #interests = new Map<string, Standing>();
  /** Bounded by the router's `activeMax`. */
  readonly #running = new Map<string, Activity>();
  readonly #ended = { completed: 0, partial: 0, failed: 0, refused: 0 };
  #started = 0;
  #published = 0;
  #skipped = 0;
  #allowance: number = limits.watchEventsPerSecondMax;
  #allowedMs = 0;

  constructor(deps: ActivityDeps) {
    this.#deps = deps;
  }

  /** Forgets its watchers. */
  stop(): void {
    this.#interests.clear();
  }

  counts(): Record<string, number> {
    const { completed, partial, failed, refused } = this.#ended;
    const watching = { watchers: this.#interests.size, watchEvents: this.#published, watchEventsSkipped: this.#skipped };
    return { started: this.#started, completed, partial, failed, refused, ...watching };
  }

  watched(interest: WatchInterest): WatchAnswer {
    const accepted = this.#keep(interest);
    if (!accepted) this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "watchers" }); // W2
    const running = [...this.#running.values()];
    const wanted = interest.snapshot === true ? running.filter((activity) => wants(interest, activity)) : [];
    return { ...this.#source(), accepted, running: wanted.slice(0, limits.watchRunningMax), runningTotal: running.length };
  }

  began(id: string, request: CoordinationRequest, targeted: number, traceId: string | undefined): void {
    this.#started++;
    const { goal } = request;
    const activity: Activity = {
      status: "running",
      id,
      type: goal.type,
      class: goalClassOf(goal),
      ...(goal.type === "causal" ? {} : { operation: goal.operation }),
      atEpochMs: this.#deps.clock.epochMs(),
      targeted,
      ...(traceId === undefined ? {} : { traceId }),
    };
    this.#running.set(id, activity);
    this.#tell(activity);
  }

  ended(result: CoordinationResult): void {
    const begun = this.#running.get(result.id);
    this.#running.delete(result.id);
    this.#ended[result.status]++;
    if (begun === undefined || this.#interests.size === 0) return; // W1
    const { agents, decision, error } = result;
    this.#tell({
      ...begun,
      status: result.status,
      atEpochMs: this.#deps.clock.epochMs(),
      targeted: agents.targeted,
      responded: agents.responded,
      missing: agents.missingTotal,
      durationMs: result.durationMs,
      ...(decision === undefined ? {} : { layer: decision.layer, strategy: decision.strategy }),
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    });
  }

  refused(type: GoalType, error: ErrorBody): void {
    this.#ended.refused++;
    if (this.#interests.size === 0) return; // W1
    const { code, message } = error;
    this.#tell({ status: "refused", type, atEpochMs: this.#deps.clock.epochMs(), error: { code, message } });
  }

  #tell(activity: Activity): void {
    const { bus, clock, subjects } = this.#deps;
    if (this.#interests.size === 0 || !bus.connected) return; // W1
    this.#expire();
    if (![...this.#interests.values()].some(({ interest }) => wants(interest, activity))) return;
    const nowMs = clock.monotonicMs();
    const regained = ((nowMs - this.#allowedMs) / 1_000) * limits.watchEventsPerSecondMax;
    this.#allowance = Math.min(limits.watchEventsPerSecondMax, this.#allowance + regained);
    this.#allowedMs = nowMs;
    if (this.#allowance < 1) {
      this.#skipped++; // W3
      return;
    }
    this.#allowance--;
    this.#published++;
    const event: ActivityEvent = { ...this.#source(), activity };
    bus.publish(subjects.routerEvents, encode(event));
  }

  #keep(interest: WatchInterest): boolean {
    this.#expire();
    const { watcher, leaseMs } = interest;
    if (leaseMs === 0) {
      this.#interests.delete(watcher);
      return true;
    }
    if (!this.#interests.has(watcher) && this.#interests.size >= limits.watchersMax) return false; // W2
    this.#interests.set(watcher, { interest, untilMs: this.#deps.clock.monotonicMs() + leaseMs });
    return true;
  }

  #source(): Pick<ActivityEvent, "v" | "router" | "published" | "skipped"> {
    return { v: 1, router: this.#deps.routerId, published: this.#published, skipped: this.#skipped };
  }

  #expire(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [watcher, { untilMs }] of this.#interests) {
      if (untilMs <= nowMs) this.#interests.delete(watcher);
    }
  }
}
