import type { CoordinationResult, Decision, MissingAgent, Row } from "@nexus/contracts";

/** An ended request: its result as it travelled, and its rows for the pages. */
export interface EndedRequest {
  readonly result: CoordinationResult;
  /** The result in JSON. It is made once: to see whether it fits a message, to be sent, to be shared, to be kept. */
  readonly json: string;
  /** Whether everything is here. Of a request that another router executed there is what travelled in the result. */
  readonly whole: boolean;
  readonly rows: readonly Row[];
  readonly rowsTotal: number;
  readonly missing: readonly MissingAgent[];
  readonly missingTotal: number;
  readonly decision: Decision | undefined;
}

/** As far as a result alone tells of it: its own router is gone, or busy elsewhere. */
export function endedRequestFrom(result: CoordinationResult, json = JSON.stringify(result)): EndedRequest {
  const { outcome, agents, decision } = result;
  return {
    ...{ result, json, decision },
    whole: false,
    rows: outcome?.rows ?? [],
    rowsTotal: outcome?.rowsTotal ?? 0,
    missing: agents.missing,
    missingTotal: agents.missingTotal,
  };
}

/** An ended request that is told again. */
export function repeated(ended: EndedRequest): EndedRequest {
  const result = { ...ended.result, repeated: true };
  return { ...ended, result, json: JSON.stringify(result) };
}

/** An ended request as it is kept, in JSON. Thousands are: what they take is known, and the garbage collector need not walk them. */
export interface KeptRequest {
  readonly result: string;
  readonly whole: boolean;
  /** What the result does not hold; absent where it holds everything. */
  readonly beside: string | undefined;
}

/** Of one request; a member that is absent is the result's own. */
type Beside = Partial<Pick<EndedRequest, "rows" | "missing" | "decision">>;

export function keep({ result, json, whole, rows, missing, decision }: EndedRequest): KeptRequest {
  const allRows = rows.length === (result.outcome?.rows.length ?? 0);
  const allMissing = missing.length === result.agents.missing.length;
  if (allRows && allMissing && decision === result.decision) return { result: json, whole, beside: undefined };
  const beside: Beside = {
    ...(allRows ? {} : { rows }),
    ...(allMissing ? {} : { missing }),
    ...(decision === result.decision || decision === undefined ? {} : { decision }),
  };
  return { result: json, whole, beside: JSON.stringify(beside) };
}

/** At most: a text takes two bytes a character, or one where all of them are Latin-1. */
export function bytesOf({ result, beside = "" }: KeptRequest): number {
  return 2 * (result.length + beside.length);
}

export function reopen({ result: json, whole, beside }: KeptRequest): EndedRequest {
  const own = { ...endedRequestFrom(JSON.parse(json) as CoordinationResult, json), whole };
  return beside === undefined ? own : { ...own, ...(JSON.parse(beside) as Beside) };
}
