/**
 * Names of what was sent. A session is one life of a sender: a restart takes a new one. A session counts its sends of each
 * scope, from 1 and without holes; a dot names one of them. Entries of clocks are for sessions, never for agents.
 */

/** `all` agents, a group by its name, or what was sent to agents that were picked one by one. */
export type Scope = string;

/** No group can be called so. */
export const scopeOfAll: Scope = "*";
export const scopeOfTargeted: Scope = "";

export interface Dot {
  readonly session: string;
  readonly scope: Scope;
  readonly seq: number;
}

/** A run of dots of one session and scope, both ends included. */
export interface DotRange {
  readonly session: string;
  readonly scope: Scope;
  readonly from: number;
  readonly to: number;
}

export const dotLimits = {
  /** Far below 2^53, so that no counting on from it loses a unit. */
  seqMax: 2 ** 48,
} as const;

export const sessionPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const scopePattern = /^(?:|\*|[a-z0-9][a-z0-9_-]{0,62})$/;

export function isSession(value: unknown): value is string {
  return typeof value === "string" && sessionPattern.test(value);
}

export function isScope(value: unknown): value is Scope {
  return typeof value === "string" && scopePattern.test(value);
}

/** @param min 0 for a position, which may be before the first dot; 1 for a dot */
export function isSeq(value: unknown, min: 0 | 1): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= dotLimits.seqMax;
}

export function isDot({ session, scope, seq }: Dot): boolean {
  return isSession(session) && isScope(scope) && isSeq(seq, 1);
}

/** Of a session's sends of one scope; `/` is in neither. */
export function streamKey(session: string, scope: Scope): string {
  return `${session}/${scope}`;
}
