import type { Phases } from "./schedule.ts";

/**
 * What a suite tells the frame: what is compared, under which loads, and what is aimed at. The frame does the rest:
 * order, warm-up, load, processor time, statistics, reports.
 */

/** `in-flight`: a closed loop that keeps N requests under way. `rate`: an open loop, requests a second whatever comes back. */
export type Load =
  | { readonly name: string; readonly kind: "in-flight"; readonly inFlight: number }
  | { readonly name: string; readonly kind: "rate"; readonly perSecond: number };

export interface Candidate {
  readonly name: string;
  /** `subject`: what is judged. `floor`: the least that the same work takes. `peer`: what others offer. */
  readonly kind: "subject" | "floor" | "peer";
  readonly what: string;
}

/** Per phase; latencies in microseconds, rates per second, `cpuUsPerRequest` over all roles but the load generator. */
export const measures = ["p50", "p99", "requestsPerSecond", "cpuUsPerRequest"] as const;
export type Measure = (typeof measures)[number];

/** A ratio of two candidates under one load that is aimed at. Reported, never asserted. */
export interface Aim {
  readonly load: string;
  readonly measure: Measure;
  readonly candidate: string;
  readonly base: string;
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
}

/** How the load generator sends one request: see `load/drivers.ts`. */
export interface DriverSettings {
  readonly driver: "nats-request";
  readonly servers: string;
  readonly subject: string;
  readonly body: string;
  /** Text that a good answer contains; any other answer counts as an error. */
  readonly expect: string;
  readonly timeoutMs: number;
}

export interface Role {
  readonly name: string;
  readonly pid: number;
}

export interface SuiteEnvironment {
  /** Where the subject's processes write processor profiles; absent, they are not profiled. */
  readonly profileDir: string | undefined;
  readonly progress: (line: string) => void;
}

export interface RunningSuite {
  /** Every process that works for a candidate, the servers included. */
  readonly roles: readonly Role[];
  /** Beyond Node's: what else took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly driverOf: (candidate: string) => DriverSettings;
  /** Ends every process and waits for it. Never rejects. */
  stop(): Promise<void>;
}

export interface Suite {
  readonly name: string;
  readonly summary: string;
  readonly candidates: readonly Candidate[];
  /** The base of the ratios; a candidate's name. */
  readonly floor: string;
  readonly loads: readonly Load[];
  readonly aims: readonly Aim[];
  readonly phases: Phases;
  start(environment: SuiteEnvironment): Promise<RunningSuite>;
}
