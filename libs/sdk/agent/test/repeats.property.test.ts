import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Operations, type Work } from "../src/operations.ts";
import { operation } from "./bench.ts";

/**
 * Random interleavings of deliveries, repeats by several routers, ends, cancels and time against what must hold:
 * while an id is remembered its handler runs at most once, and each address is given exactly the answers it is due.
 */

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("take" as const), op: fc.nat(4), router: fc.nat(2), reply: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), op: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 60 }) }) },
);

describe("repeats", () => {
  it("run nothing twice and lose no answer", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 3 }), fc.nat(2), (steps, capacity, queueMax) => {
        const ops = new Operations({
          agentId: "a1",
          boot: "b1",
          capacity,
          queueMax,
          addressesMax: 8,
          repeatWindowMs: 1e9,
          repeatEntriesMax: 1_000,
          repeatBytesMax: 1e6,
          knows: () => true,
        });
        let now = 0;
        const running: Work[] = [];
        const runs = new Map<string, number>();
        /** Answers that each address waits for, by operation and router. */
        const due = new Map<string, number>();
        const ended = new Map<string, string>();
        const run = (work: Work) => {
          running.push(work);
          runs.set(work.frame.operationId, (runs.get(work.frame.operationId) ?? 0) + 1);
          expect(running.length).toBeLessThanOrEqual(capacity);
        };
        const tell = (work: Work, outcome: string, sticks: boolean) => {
          const { operationId } = work.frame;
          for (const router of work.addresses.keys()) {
            expect(due.get(`${operationId} ${router}`)).toBe(1);
            due.delete(`${operationId} ${router}`);
          }
          expect([...due.keys()].filter((key) => key.startsWith(`${operationId} `))).toEqual([]);
          if (sticks) ended.set(operationId, outcome);
        };
        const pump = () => {
          for (let next = ops.next(now); next !== undefined; next = ops.next(now)) {
            if (next.kind === "run") run(next.work);
            else tell(next.work, "expired", false);
          }
        };
        const end = (work: Work) => {
          ops.settle();
          const value = `${work.frame.operationId}#${runs.get(work.frame.operationId)}`;
          if (ops.finish(work, { status: "ok", value }, 10, now)) tell(work, value, true);
          pump();
        };
        for (const action of steps) {
          if (action.do === "take") {
            const frame = operation(action.op, { router: `r${action.router}`, reply: action.reply, remainingMs: 50 });
            for (const { work } of ops.sweep(now)) tell(work, "expired", false);
            const verdict = ops.take(frame, "json", undefined, now);
            const key = `${frame.operationId} ${frame.router}`;
            if (verdict.kind === "answer") {
              const remembered = ended.get(frame.operationId);
              if (remembered === undefined) expect(verdict.finished.status).toBe("refused");
              else expect(verdict.finished.value ?? verdict.finished.error?.code).toBe(remembered);
            } else if (action.reply) due.set(key, 1);
            if (verdict.kind === "run") run(verdict.work);
            pump();
          } else if (action.do === "end") {
            const [work] = running.splice(action.which % Math.max(1, running.length), 1);
            if (work !== undefined) end(work);
          } else if (action.do === "cancel") {
            const cancelled = ops.cancel(operation(action.op).operationId, now);
            if (cancelled !== undefined) tell(cancelled.work, "cancelled", true);
          } else now += action.ms;
          expect([ops.inFlight, ops.queueDepth <= queueMax]).toEqual([running.length, true]);
        }
        for (let work = running.shift(); work !== undefined; work = running.shift()) end(work);
        expect([...due]).toEqual([]);
        expect(ops.idle).toBe(true);
        for (const count of runs.values()) expect(count).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});
