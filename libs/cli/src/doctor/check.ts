import { messageOf } from "@nexus/contracts";
import type { HeardReport } from "../bus/reports.ts";
import type { Target } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import type { Bus } from "../session.ts";
import type { ServiceInstance } from "./services.ts";

export type State = "ok" | "warning" | "failed" | "skipped";

export interface Outcome {
  readonly state: State;
  /** What was seen. */
  readonly detail: string;
  /** What to do about it; there for `warning` and `failed`. */
  readonly remedy?: string;
}

export interface Finding extends Outcome {
  readonly check: string;
}

/** The check of its store that every service reports; doctor has a check of its own for it. */
export const STORE_CHECK = "store";

/** What the checks share. Each takes what it needs from those that it needs. */
export interface Examined {
  readonly io: Io;
  readonly target: Target;
  readonly monitorUrl: string | undefined;
  /** Services that must be there, beyond the router. */
  readonly required: readonly string[];
  bus?: Bus;
  reports?: readonly HeardReport[];
  instances?: readonly ServiceInstance[];
}

export interface Check {
  readonly name: string;
  /** Names of checks without which this one has no ground; it is skipped where one of them failed. */
  readonly needs: readonly string[];
  readonly run: (examined: Examined) => Promise<Outcome>;
}

export function ok(detail: string): Outcome {
  return { state: "ok", detail };
}

export function warning(detail: string, remedy: string): Outcome {
  return { state: "warning", detail, remedy };
}

export function failed(error: unknown, remedy: string): Outcome {
  return { state: "failed", detail: messageOf(error), remedy };
}

export function skipped(detail: string): Outcome {
  return { state: "skipped", detail };
}

/** @throws where the check that makes the connection is not among the needs: a defect */
export function connected(examined: Examined): Bus {
  if (examined.bus === undefined) throw new Error("a check uses the connection without needing it");
  return examined.bus;
}

/** `a, b, c and 4 more` */
export function some(names: readonly string[], shown = 5): string {
  const more = names.length - shown;
  return more > 0 ? `${names.slice(0, shown).join(", ")} and ${more} more` : names.join(", ");
}

/** Compares `major.minor.patch`, pre-release parts left aside. */
export function isAtLeast(version: string, wanted: string): boolean {
  const parts = (text: string) => text.split(/[-+]/, 1)[0]?.split(".").map(Number) ?? [];
  const [have, want] = [parts(version), parts(wanted)];
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
