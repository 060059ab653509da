import {
  type CoordinationRequest,
  type CoordinationResult,
  type Decision,
  encode,
  type GoalType,
  type Idempotency,
  limits,
  NexusError,
  type Outcome,
  toErrorBody,
} from "@nexus/contracts";
import type { Coordinated } from "@nexus/engine";
import type { EndedRequest } from "./ended-request.ts";

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
  const missing = report?.agents.missing ?? [];
  const error = coordinated.error ?? report?.error;
  const explained = explain(decision, facts.request.explain);
  const result: CoordinationResult = {
    v: 1,
    id: facts.id,
    type: facts.type,
    status: coordinated.error !== undefined ? "failed" : (report?.status ?? "completed"),
    executed: coordinated.executed,
    ...(error === undefined ? {} : { error }),
    ...(report === undefined ? {} : { outcome: { ...report.outcome, rows: rows.slice(0, limits.resultRowsMax) } as Outcome }),
    agents: {
      targeted: report?.agents.targeted ?? 0,
      responded: report?.agents.responded ?? 0,
      extra: report?.agents.extra ?? 0,
      missingTotal: missing.length,
      missing: missing.slice(0, limits.resultRowsMax),
    },
    idempotency: facts.idempotency,
    repeated: false,
    dryRun: facts.request.dryRun ?? false,
    durationMs: Math.round(facts.durationMs * 1_000) / 1_000,
    ...(facts.traceId === undefined ? {} : { traceId: facts.traceId }),
    router: facts.routerId,
    ...(explained === undefined ? {} : { decision: explained }),
  };
  return { ...fitted(result, facts.bytesMax), rows, missing, decision };
}

function explain(decision: Decision, wanted: CoordinationRequest["explain"]): Decision | undefined {
  if (wanted === "none") return undefined;
  if (wanted === "full") return decision;
  const { attempts, ...rest } = decision;
  const told = attempts.filter((attempt, index) => attempt.error !== undefined || index === attempts.length - 1);
  return told.length === attempts.length ? decision : { ...rest, attempts: told };
}

/** Drops rows until the result fits one message; they stay in the pages. A value that is too large alone is an error. */
function fitted(result: CoordinationResult, bytesMax: number): Pick<EndedRequest, "result" | "encoded"> {
  let fit = result;
  let encoded = encode(fit);
  for (let rows = fit.outcome?.rows.length ?? 0; encoded.byteLength > bytesMax; rows = Math.floor(rows / 2)) {
    if (rows === 0) {
      const reduced = withoutValue(fit, bytesMax);
      return { result: reduced, encoded: encode(reduced) };
    }
    fit = { ...fit, outcome: { ...fit.outcome, rows: fit.outcome?.rows.slice(0, Math.floor(rows / 2)) } as Outcome };
    encoded = encode(fit);
  }
  return { result: fit, encoded };
}

function withoutValue(result: CoordinationResult, bytesMax: number): CoordinationResult {
  const error = new NexusError(
    "too-large",
    `the result is above the ${bytesMax} bytes that one message carries; ask for less, or reduce it further`,
    {
      executed: result.executed,
    },
  );
  const { outcome, ...rest } = result;
  const kept = outcome?.type === "gather" ? { outcome: { ...outcome, value: null, rows: [] } } : {};
  return {
    ...rest,
    ...kept,
    status: "failed",
    error: toErrorBody(error),
    agents: { ...result.agents, missing: result.agents.missing.slice(0, 100) },
  };
}
