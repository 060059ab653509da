import { type CoordinationResult, type Decision, encode, type MissingAgent, type Row } from "@nexus/contracts";

/** An ended request, whole: its result as it travelled, and all its rows for the pages. */
export interface EndedRequest {
  readonly result: CoordinationResult;
  /** The result in JSON. It is encoded once: to see whether it fits a message, to be sent, to be shared, to be kept. */
  readonly encoded: Uint8Array;
  readonly rows: readonly Row[];
  readonly missing: readonly MissingAgent[];
  readonly decision: Decision | undefined;
}

/** As far as a result alone tells of it. */
export function endedBy(result: CoordinationResult): EndedRequest {
  const { outcome, agents, decision } = result;
  return { result, encoded: encode(result), rows: outcome?.rows ?? [], missing: agents.missing, decision };
}

/** An ended request that is told again. */
export function repeated(ended: EndedRequest): EndedRequest {
  const result = { ...ended.result, repeated: true };
  return { ...ended, result, encoded: encode(result) };
}

/**
 * An ended request as it is kept. Thousands are: bytes count exactly against their bound, and the garbage collector need
 * not walk them.
 */
export interface KeptRequest {
  readonly result: Uint8Array;
  /** What the result does not hold, in JSON; absent where it holds everything. */
  readonly beside: Uint8Array | undefined;
}

/** Of one request; a member that is absent is the result's own. */
type Beside = Partial<Pick<EndedRequest, "rows" | "missing" | "decision">>;

export function keep({ result, encoded, rows, missing, decision }: EndedRequest): KeptRequest {
  const beside: Beside = {
    ...(rows.length === (result.outcome?.rows.length ?? 0) ? {} : { rows }),
    ...(missing.length === result.agents.missing.length ? {} : { missing }),
    ...(decision === result.decision ? {} : { decision }),
  };
  return { result: encoded, beside: Object.keys(beside).length === 0 ? undefined : encode(beside) };
}

export function bytesOf({ result, beside }: KeptRequest): number {
  return result.byteLength + (beside?.byteLength ?? 0);
}

export function reopen(kept: KeptRequest): EndedRequest {
  const result = parsed<CoordinationResult>(kept.result);
  const beside = kept.beside === undefined ? {} : parsed<Beside>(kept.beside);
  const { outcome, agents, decision } = result;
  return { result, encoded: kept.result, rows: outcome?.rows ?? [], missing: agents.missing, decision, ...beside };
}

const text = new TextDecoder();

/** Our own bytes: larger and deeper than what is taken from a peer they may be, malformed they are not. */
function parsed<T>(bytes: Uint8Array): T {
  return JSON.parse(text.decode(bytes)) as T;
}
