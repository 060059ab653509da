import {
  type Ended,
  type GoalOf,
  type JsonValue,
  type MissingAgent,
  type MissingReason,
  operationIdOf,
  type ReplyFrame,
  type Row,
} from "@nexus/contracts";
import { silenceOf } from "../fan-out/fan-out.ts";
import type { Plan } from "../plan.ts";
import type { AgentEntry } from "../table/routing-table.ts";
import { strangers } from "./fan-out-run.ts";
import { executedOf, type RunReport, verdictOf } from "./run.ts";

/** A piece of work, and what became of it so far. */
export interface Piece {
  readonly index: number;
  readonly operationId: string;
  readonly payload: JsonValue | undefined;
  /** Has it, or had it last. */
  agent: AgentEntry | undefined;
  sends: number;
  /** The last sign of life: its sending, or its progress. */
  heardMs: number;
  /** Agents that had it and shall not get it again. */
  readonly avoided: Set<string>;
  /** It was published to an agent whose fate is unknown. */
  mayHaveRun: boolean;
  /** An attempt failed while this agent had the piece: only it may get it again. */
  bound: boolean;
  /** Who refused it last. */
  refusal: { readonly agent: string; readonly reply: ReplyFrame } | undefined;
  row: Row | undefined;
}

export function piecesOf(plan: Plan, goal: GoalOf<"balance">): Piece[] {
  return Array.from({ length: goal.pieces?.length ?? 1 }, (_, index) => ({
    index,
    operationId: operationIdOf(plan.id, index),
    payload: goal.pieces === undefined ? goal.payload : goal.pieces[index],
    agent: undefined,
    sends: 0,
    heardMs: 0,
    avoided: new Set<string>(),
    mayHaveRun: false,
    bound: false,
    refusal: undefined,
    row: undefined,
  }));
}

/** Whether the piece was given to the agent, so that its word on it counts. */
export function had(piece: Piece, agent: string): boolean {
  return piece.agent?.id === agent || piece.avoided.has(agent);
}

export function answeredRow(piece: Piece, agent: string, reply: ReplyFrame): Row {
  const { value, error, serviceTimeMs } = reply;
  return {
    agent,
    index: piece.index,
    // Refused here, but an earlier agent had it and fell silent.
    status: reply.status === "refused" && piece.mayHaveRun ? "unknown" : reply.status,
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { error }),
    ...(serviceTimeMs === undefined ? {} : { serviceTimeMs }),
  };
}

/** The row of a piece that has no answer, and gets none any more. */
export function unansweredRow(piece: Piece): Row {
  const { index, agent, sends, mayHaveRun, refusal } = piece;
  if (agent !== undefined && (sends > 0 || mayHaveRun)) return { agent: agent.id, index, status: "unknown" };
  return refusal === undefined ? { index, status: "not-sent" } : answeredRow(piece, refusal.agent, refusal.reply);
}

/** One line per agent that some piece failed at. */
function missingAt(
  rows: readonly Row[],
  agents: readonly AgentEntry[],
  gone: ReadonlyMap<string, MissingReason>,
  atDeadline: boolean,
): MissingAgent[] {
  const entries = new Map(agents.map((agent) => [agent.id, agent]));
  const missing = new Map<string, MissingAgent>();
  for (const { agent, status, error } of rows) {
    if (agent === undefined || status === "ok" || status === "not-sent" || missing.has(agent)) continue;
    const entry = entries.get(agent);
    const silence = atDeadline && entry !== undefined ? silenceOf(entry) : "unknown";
    const reason = status === "unknown" ? (gone.get(agent) ?? silence) : status;
    missing.set(agent, { agent, reason, ...(error === undefined ? {} : { message: error.message }) });
  }
  return [...missing.values()];
}

export interface BalanceFacts {
  readonly gone: ReadonlyMap<string, MissingReason>;
  readonly ended: Ended;
  /** Agents that answered for pieces which they were not given. */
  readonly extra: number;
}

export function reportOf({ targets, request }: Plan, pieces: readonly Piece[], { gone, ended, extra }: BalanceFacts): RunReport {
  const rows = pieces.map((piece) => piece.row ?? unansweredRow(piece));
  const count = (status: Row["status"]) => rows.filter((row) => row.status === status).length;
  const done = count("ok");
  const executed = executedOf(rows.length, done + count("error"), count("unknown"));
  const responders = new Set(rows.filter((row) => row.status === "ok").map((row) => row.agent));
  return {
    ...verdictOf({
      satisfied: done === rows.length,
      cancelled: ended === "cancelled",
      reached: done,
      wanted: rows.length,
      what: "pieces of work",
      executed,
      degrade: request.degrade,
    }),
    executed,
    outcome: { type: "balance", pieces: rows.length, done, ended, rows: [], rowsTotal: rows.length },
    rows,
    agents: {
      targeted: targets.agents.length + targets.unknown.length,
      responded: responders.size,
      extra,
      missing: [...missingAt(rows, targets.agents, gone, ended === "deadline"), ...strangers(targets.unknown)],
    },
  };
}
