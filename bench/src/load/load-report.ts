import type { Histogram } from "hdr-histogram-js";
import { correctedForOmission, createHistogram, encodeHistogram, recordMs } from "../latency.ts";
import type { Load } from "../suite.ts";

/** Milliseconds of one phase: the lead-in is not measured, the rest is. */
export interface Window {
  readonly leadInMs: number;
  readonly measureMs: number;
}

/** What the load generator tells of one phase. */
export interface LoadReport {
  /** Good answers: in a closed loop those that came within the measured time, in an open one to what was due within it. */
  readonly requests: number;
  readonly durationMs: number;
  /** Within the whole phase. */
  readonly errors: number;
  /** The first few, each once. */
  readonly errorSamples: readonly string[];
  /** Why the load was not reached; absent where it was. */
  readonly notReached: string | undefined;
  /** Encoded; in microseconds. In a closed loop from sending, in an open one from when sending was due. */
  readonly latency: string;
  /** As above with the omission of a closed loop corrected; the same as `latency` in an open one. */
  readonly corrected: string;
  /** Open loop: how late the generator itself sent, encoded, in microseconds. */
  readonly lateness: string | undefined;
}

const SAMPLES_MAX = 5;
/** Of the load that was asked for. */
const REACHED_MIN = 0.98;
/** Answers that came within the time, of the requests that were due within it: else a queue only grows. */
const KEPT_UP_MIN = 0.9;

/** Gathers one phase. Times are of a monotonic clock, in milliseconds. */
export class LoadRecorder {
  readonly #load: Load;
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #latency: Histogram = createHistogram();
  readonly #lateness: Histogram = createHistogram();
  readonly #samples = new Set<string>();
  #requests = 0;
  #answeredInTime = 0;
  /** Within the measured time, over all requests: how long each was under way. */
  #underWayMs = 0;
  #errors = 0;
  #sent = 0;
  #heldBack = 0;

  constructor(load: Load, beganMs: number, window: Window) {
    this.#load = load;
    this.#fromMs = beganMs + window.leadInMs;
    this.#untilMs = this.#fromMs + window.measureMs;
  }

  get untilMs(): number {
    return this.#untilMs;
  }

  /** @param sinceMs when it was sent, or was due */
  answered(sinceMs: number, nowMs: number): void {
    this.#underWayMs += Math.max(0, Math.min(nowMs, this.#untilMs) - Math.max(sinceMs, this.#fromMs));
    const inTime = this.#within(nowMs);
    if (inTime) this.#answeredInTime++;
    // An open loop knows which requests belong to it; without the late ones it would flatter.
    if (!(this.#load.kind === "rate" ? this.#within(sinceMs) : inTime)) return;
    this.#requests++;
    recordMs(this.#latency, nowMs - sinceMs);
  }

  failed(error: unknown): void {
    this.#errors++;
    if (this.#samples.size < SAMPLES_MAX) this.#samples.add(error instanceof Error ? error.message : String(error));
  }

  /** Open loop: a request left. */
  sent(dueMs: number, nowMs: number): void {
    if (!this.#within(dueMs)) return;
    this.#sent++;
    recordMs(this.#lateness, nowMs - dueMs);
  }

  /** Open loop: too many were under way to send another. */
  heldBack(): void {
    this.#heldBack++;
  }

  report(): LoadReport {
    const load = this.#load;
    const durationMs = this.#untilMs - this.#fromMs;
    const open = load.kind === "rate";
    const latency = encodeHistogram(this.#latency);
    return {
      requests: this.#requests,
      durationMs,
      errors: this.#errors,
      errorSamples: [...this.#samples],
      notReached: open ? this.#rateNotReached(load.perSecond, durationMs) : this.#inFlightNotReached(load.inFlight, durationMs),
      latency,
      // With N under way, each place sends again when its answer is there: on average after N times the time per request.
      corrected: open || this.#requests === 0 ? latency : this.#correctedFor((load.inFlight * durationMs) / this.#requests),
      lateness: open ? encodeHistogram(this.#lateness) : undefined,
    };
  }

  #within(atMs: number): boolean {
    return atMs >= this.#fromMs && atMs < this.#untilMs;
  }

  #correctedFor(intervalMs: number): string {
    return encodeHistogram(correctedForOmission(this.#latency, intervalMs * 1_000));
  }

  #rateNotReached(perSecond: number, durationMs: number): string | undefined {
    if (this.#heldBack > 0) return `${this.#heldBack} requests could not be sent: too many were under way`;
    const wanted = (perSecond * durationMs) / 1_000;
    if (this.#sent < wanted * REACHED_MIN) return `${this.#sent} of ${Math.round(wanted)} requests were sent`;
    return this.#answeredInTime < wanted * KEPT_UP_MIN
      ? `${this.#answeredInTime} of ${Math.round(wanted)} were answered in time`
      : undefined;
  }

  #inFlightNotReached(inFlight: number, durationMs: number): string | undefined {
    if (this.#requests === 0) return "nothing was answered";
    const mean = this.#underWayMs / durationMs;
    return mean < inFlight * REACHED_MIN ? `${mean.toFixed(1)} requests were under way on average, not ${inFlight}` : undefined;
  }
}
