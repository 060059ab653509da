import { type MissingAgent, type MissingReason, operationIdOf, type Row } from "@nexus/contracts";
import type { AgentEntry } from "../table/routing-table.ts";

/** One piece of work of a balance goal. */
export interface Piece {
  readonly index: number;
  readonly operationId: string;
  agent: AgentEntry | undefined;
  sends: number;
  heardMs: number;
  readonly avoided: Set<string>;
  /** It was published to an agent whose fate is unknown. */
  mayHaveRun: boolean;
  /** An attempt failed while this agent had the piece: only it may get it again. */
  bound: boolean;
  row: Row | undefined;
}

export function piecesOf(requestId: string, count: number): Piece[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    operationId: operationIdOf(requestId, index),
    agent: undefined,
    sends: 0,
    heardMs: 0,
    avoided: new Set<string>(),
    mayHaveRun: false,
    bound: false,
    row: undefined,
  }));
}

/** What became of it; of one that has not ended, what can be told. */
export function rowOfPiece(piece: Piece): Row {
  if (piece.row !== undefined) return piece.row;
  if (piece.agent === undefined || (piece.sends === 0 && !piece.mayHaveRun)) return { index: piece.index, status: "not-sent" };
  return { agent: piece.agent.id, index: piece.index, status: "unknown" };
}

/** One line per agent that some piece failed at. @param whyUnknown of an agent whose answer never came */
export function missingIn(rows: readonly Row[], whyUnknown: (agent: string) => MissingReason): MissingAgent[] {
  const missing = new Map<string, MissingAgent>();
  for (const { agent, status, error } of rows) {
    if (agent === undefined || status === "ok" || missing.has(agent)) continue;
    const reason = status === "unknown" ? whyUnknown(agent) : status;
    missing.set(agent, { agent, reason, ...(error === undefined ? {} : { message: error.message }) });
  }
  return [...missing.values()];
}
