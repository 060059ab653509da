import {
  type CodecName,
  type CoordinationRequest,
  type CoordinationResult,
  type Decision,
  decode,
  encode,
  encodeText,
  type GoalType,
  type Idempotency,
  limits,
  NexusError,
  type Outcome,
  parseFrame,
  resultSchema,
  roundMs,
  toErrorBody,
  WIRE_VERSION,
} from "@nexus/contracts";
import type { Coordinated } from "@nexus/engine";
import { type EndedRequest, endedRequestFrom } from "./ended-request.ts";

export interface ResultFacts {
  readonly id: string;
  readonly type: GoalType;
  readonly request: CoordinationRequest;
  readonly idempotency: Idempotency;
  readonly durationMs: number;
  readonly traceId: string | undefined;
  readonly routerId: string;
  /** Bytes that one message can carry. */
  readonly bytesMax: number;
}

/** From what the engine reports to what travels: bounded rows, bounded bytes, as much explanation as was asked for. */
export function endedRequestOf(coordinated: Coordinated, facts: ResultFacts): EndedRequest {
  const { report, decision } = coordinated;
  const rows = report?.rows ?? [];
  const agents = report?.agents ?? coordinated.planned;
  const missing = agents?.missing ?? [];
  const error = coordinated.error ?? report?.error;
  const explained = explain(decision, facts.request.explain);
  const result: CoordinationResult = {
    v: WIRE_VERSION,
    id: facts.id,
    type: facts.type,
    status: coordinated.error !== undefined ? "failed" : (report?.status ?? "completed"),
    executed: coordinated.executed,
    error,
    outcome: report === undefined ? undefined : ({ ...report.outcome, rows: firstOf(rows) } as Outcome),
    agents: {
      targeted: agents?.targeted ?? 0,
      responded: agents?.responded ?? 0,
      extra: agents?.extra ?? 0,
      missingTotal: missing.length,
      missing: firstOf(missing),
    },
    idempotency: facts.idempotency,
    repeated: false,
    dryRun: facts.request.dryRun ?? false,
    durationMs: roundMs(facts.durationMs),
    traceId: facts.traceId,
    router: facts.routerId,
    decision: explained,
  };
  const fit = fittedText(result, facts.bytesMax);
  return {
    result: fit.result,
    json: fit.json,
    whole: true,
    rows,
    rowsTotal: rows.length,
    missing,
    missingTotal: missing.length,
    decision,
  };
}

/** What travels of a list: where it is short, the very list. */
function firstOf<T>(list: readonly T[]): T[] {
  return list.length <= limits.resultRowsMax ? (list as T[]) : list.slice(0, limits.resultRowsMax);
}

/** What a result tells of its request, as it was encoded for the other routers. @throws NexusError `malformed` */
export function endedRequestIn(shared: Uint8Array): EndedRequest {
  return endedRequestFrom(parseFrame(resultSchema, decode(shared), "shared result"));
}

/** A defect was met after agents may have been sent to: what they did is not known, and the id must not run again. */
export function defectiveRequest(error: unknown, facts: Omit<ResultFacts, "request" | "bytesMax">): EndedRequest {
  return endedRequestFrom({
    v: WIRE_VERSION,
    id: facts.id,
    type: facts.type,
    status: "failed",
    executed: "unknown",
    error: toErrorBody(error),
    agents: { targeted: 0, responded: 0, extra: 0, missingTotal: 0, missing: [] },
    idempotency: facts.idempotency,
    repeated: false,
    dryRun: false,
    durationMs: facts.durationMs,
    ...(facts.traceId === undefined ? {} : { traceId: facts.traceId }),
    router: facts.routerId,
  });
}

function explain(decision: Decision, wanted: CoordinationRequest["explain"]): Decision | undefined {
  if (wanted === "none") return undefined;
  if (wanted === "full" || decision.attempts.length <= 1) return decision;
  const { attempts, ...rest } = decision;
  return { ...rest, attempts: attempts.filter((attempt, index) => attempt.error !== undefined || index === attempts.length - 1) };
}

/** The result as it fits a message in JSON, and its text. */
function fittedText(result: CoordinationResult, bytesMax: number): Pick<EndedRequest, "result" | "json"> {
  const json = JSON.stringify(result);
  // A UTF-16 unit takes at most three bytes of UTF-8, so most need not be encoded to know.
  if (json.length * 3 <= bytesMax || encodeText(json).byteLength <= bytesMax) return { result, json };
  const fit = fitted(result, bytesMax);
  return { result: fit, json: JSON.stringify(fit) };
}

/**
 * Shortens what has pages of its own until the result fits one message: rows, then missing agents, then the decision's
 * attempts; then a causal goal's clocks go, which its token holds. Only a gather's value that is too large even then costs the result its success.
 */
export function fitted(result: CoordinationResult, bytesMax: number, codec: CodecName = "json"): CoordinationResult {
  const fits = (candidate: CoordinationResult) => encode(candidate, codec).byteLength <= bytesMax;
  if (fits(result)) return result;
  let fit = result;
  for (const shorten of [withFewerRows, withFewerMissing, withFewerAttempts, withoutClocks]) {
    for (let shorter = shorten(fit); shorter !== undefined; shorter = shorten(fit)) {
      fit = shorter;
      if (fits(fit)) return fit;
    }
  }
  return withoutValue(fit, bytesMax);
}

function withFewerRows(result: CoordinationResult): CoordinationResult | undefined {
  const { outcome } = result;
  if (outcome === undefined || outcome.rows.length === 0) return undefined;
  return { ...result, outcome: { ...outcome, rows: firstHalf(outcome.rows) } as Outcome };
}

function withFewerMissing(result: CoordinationResult): CoordinationResult | undefined {
  const { agents } = result;
  return agents.missing.length === 0 ? undefined : { ...result, agents: { ...agents, missing: firstHalf(agents.missing) } };
}

function withFewerAttempts(result: CoordinationResult): CoordinationResult | undefined {
  const { decision } = result;
  if (decision === undefined || decision.attempts.length === 0) return undefined;
  return { ...result, decision: { ...decision, attempts: firstHalf(decision.attempts) } };
}

function withoutClocks(result: CoordinationResult): CoordinationResult | undefined {
  const { outcome } = result;
  if (outcome?.type !== "causal" || outcome.operations.every(({ clock }) => clock === undefined)) return undefined;
  const operations = outcome.operations.map(({ clock: _clock, ...rest }) => rest);
  return { ...result, outcome: { ...outcome, operations } };
}

function firstHalf<T>(list: readonly T[]): T[] {
  return list.slice(0, Math.floor(list.length / 2));
}

function withoutValue(result: CoordinationResult, bytesMax: number): CoordinationResult {
  const { outcome } = result;
  if (outcome?.type !== "gather") {
    const message = `a ${result.type} result without its lists is above the ${bytesMax} bytes of a message`;
    throw new NexusError("internal", message, { executed: result.executed });
  }
  const error = new NexusError(
    "too-large",
    `the value is above the ${bytesMax} bytes that one message carries; ask for less, or reduce it further`,
    { executed: result.executed },
  );
  return { ...result, status: "failed", error: toErrorBody(error), outcome: { ...outcome, value: null } };
}
