import { type ErrorBody, NexusError, type ReplyFrame, toErrorBody } from "@nexus/contracts";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type Piece, Pieces } from "../../../src/goals/balance/pieces.ts";
import { type AgentEntry, RoutingTable } from "../../../src/index.ts";
import { helloOf } from "../../scripted-fleet.ts";

/** Where pieces of work go: a table of what each answer means, and a property over random histories (P1–P3). */

const hello = helloOf({ operations: ["work"] });
const names = ["a", "b", "c"];
const table = new RoutingTable();
for (const name of names) table.hello(name, hello, 0);
const agent = (name: string): AgentEntry => table.get(name) as AgentEntry;

const reply = (status: ReplyFrame["status"], error?: ErrorBody): ReplyFrame => ({
  v: 1,
  kind: "reply",
  operationId: "01ARZ3NDEKTSV4RRFFQ69G5FAV/0",
  status,
  inFlight: 0,
  queueDepth: 0,
  ...(error === undefined ? {} : { error }),
});
const refusedBy = (code: "overloaded" | "draining" | "other-boot" | "id-reused"): ReplyFrame =>
  reply("refused", toErrorBody(new NexusError(code, "no", { executed: code === "other-boot" ? "unknown" : "none" })));

function given(pieces: Pieces, to: string): Piece {
  const piece = pieces.takeFor(agent(to));
  if (piece === undefined) throw new Error(`no piece may go to ${to}`);
  pieces.give(piece, agent(to));
  pieces.sent(piece, 0);
  return piece;
}

describe("an answer", () => {
  const one = (idempotent = false) => {
    const pieces = new Pieces("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1, idempotent);
    return { pieces, piece: given(pieces, "a") };
  };

  it("of an agent that never had the piece is extra, and ends nothing (P2)", () => {
    const { pieces, piece } = one();
    expect(pieces.answered(piece, "stranger", reply("ok"))).toEqual({ kind: "ignored", extra: true });
    expect({ open: pieces.open, extra: pieces.extraCount, held: pieces.heldCount }).toEqual({ open: 1, extra: 1, held: 1 });
  });

  it("that the agent is full lets the piece wait, for any agent, that one included", () => {
    const { pieces, piece } = one();
    expect(pieces.answered(piece, "a", refusedBy("overloaded"))).toMatchObject({ kind: "waits", fullForMs: 100 });
    expect(pieces.mayHave(piece, agent("a"))).toBe(true);
    expect(pieces.rows()).toMatchObject([{ agent: "a", status: "refused", error: { code: "overloaded" } }]);
  });

  it("that the agent leaves lets the piece go to another", () => {
    const { pieces, piece } = one();
    expect(pieces.answered(piece, "a", refusedBy("draining"))).toMatchObject({ kind: "waits", fullForMs: 0 });
    expect(names.map((name) => pieces.mayHave(piece, agent(name)))).toEqual([false, true, true]);
  });

  it("of another life of the agent ends the piece as unknown, for the earlier life may have run it (P1)", () => {
    const { pieces, piece } = one();
    expect(pieces.answered(piece, "a", refusedBy("other-boot"))).toEqual({ kind: "ended" });
    expect(pieces.rows()).toMatchObject([{ agent: "a", status: "unknown" }]);
  });

  it("of another life lets idempotent work go to another agent", () => {
    const { pieces, piece } = one(true);
    expect(pieces.answered(piece, "a", refusedBy("other-boot"))).toMatchObject({ kind: "waits" });
    expect(names.map((name) => pieces.mayHave(piece, agent(name)))).toEqual([false, true, true]);
  });

  it("that the id was used for something else ends the piece: every agent would say so", () => {
    const { pieces, piece } = one();
    expect(pieces.answered(piece, "a", refusedBy("id-reused"))).toEqual({ kind: "ended" });
    expect(pieces.rows()).toMatchObject([{ status: "refused", error: { code: "id-reused" } }]);
  });

  it("that comes late, from an agent that was given up, still counts", () => {
    const { pieces, piece } = one(true);
    pieces.lost(piece, "slow");
    given(pieces, "b");
    expect(pieces.answered(piece, "a", reply("ok"))).toEqual({ kind: "ended" });
    expect(pieces.rows()).toMatchObject([{ agent: "a", status: "ok" }]);
    expect(pieces.answered(piece, "b", reply("ok"))).toEqual({ kind: "ignored", extra: false });
  });

  it("after a failed attempt, work that may have run goes to its agent alone", () => {
    const { pieces, piece } = one();
    pieces.suspend();
    expect(names.map((name) => pieces.mayHave(piece, agent(name)))).toEqual([true, false, false]);
    pieces.agentGone("a", "dead");
    expect(pieces.rows()).toMatchObject([{ agent: "a", status: "unknown" }]);
    expect(pieces.missing(pieces.rows(), () => "slow")).toEqual([{ agent: "a", reason: "dead" }]);
  });
});

const event = fc.record({
  kind: fc.constantFrom("give", "ok", "error", "overloaded", "draining", "other-boot", "lost", "gone", "suspend"),
  agent: fc.constantFrom(...names),
  piece: fc.nat(2),
});

test.each([false, true])(
  "whatever happens (idempotent: %s), work that may have run is not given to a second agent",
  (idempotent) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const pieces = new Pieces("01ARZ3NDEKTSV4RRFFQ69G5FAV", 3, idempotent);
        const seen = new Map<number, Piece>();
        const mayHaveRunAt = new Map<number, string>();
        for (const { kind, agent: name, piece: index } of events) {
          const piece = seen.get(index);
          if (kind === "give") {
            const taken = pieces.takeFor(agent(name));
            if (taken === undefined) continue;
            const before = mayHaveRunAt.get(taken.index);
            if (!idempotent && before !== undefined) expect(name).toBe(before); // P1
            seen.set(taken.index, taken);
            pieces.give(taken, agent(name));
            pieces.sent(taken, 0);
            mayHaveRunAt.set(taken.index, name);
          } else if (kind === "gone") pieces.agentGone(name, "dead");
          else if (kind === "suspend") pieces.suspend();
          else if (piece === undefined) continue;
          else if (kind === "lost") {
            if (pieces.held().includes(piece)) pieces.lost(piece, "slow");
          } else if (kind === "ok" || kind === "error") pieces.answered(piece, name, reply(kind));
          else {
            const held = pieces.held().includes(piece);
            const answered = pieces.answered(piece, name, refusedBy(kind));
            if (held && answered.kind === "waits" && kind !== "other-boot") mayHaveRunAt.delete(piece.index);
          }
          const rows = pieces.rows();
          expect(rows.map((row) => row.index)).toEqual([0, 1, 2]); // P3
          const ended = [...seen.values()].filter((known) => known.row !== undefined).length;
          expect(pieces.open).toBe(3 - ended);
          expect(pieces.heldCount + pieces.waiting.length).toBe(pieces.open);
        }
      }),
    );
  },
);
