import fc from "fast-check";
import { expect, test } from "vitest";
import { createFleet, type Said, type Script } from "../../scripted-fleet.ts";

/**
 * Proves P1, P3 and L1 whatever agents do: they answer, fail, refuse, fall silent, die, and publishing breaks off. A piece is with
 * one agent at a time, windows are kept, every piece has one row, and nothing is held when it is over.
 */

const AGENTS = ["a", "b", "c"];

const said: fc.Arbitrary<Said | undefined> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ afterMs: fc.nat(400), value: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ afterMs: fc.nat(50), status: fc.constant("refused" as const) }) },
  { weight: 1, arbitrary: fc.record({ afterMs: fc.nat(50), status: fc.constantFrom("error" as const, "expired" as const) }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const scenario = fc.record({
  pieces: fc.integer({ min: 1, max: 12 }),
  capacities: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  script: fc.array(said, { minLength: 1, maxLength: 20 }),
  deaths: fc.array(fc.record({ agent: fc.constantFrom(...AGENTS), atMs: fc.nat(2_000) }), { maxLength: 2 }),
  faultAfter: fc.option(fc.nat(8), { nil: undefined }),
  idempotent: fc.boolean(),
});

test("every piece has one row, one holder at a time, within the windows, and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ pieces, capacities, script, deaths, faultAfter, idempotent }) => {
      let spoken = 0;
      let sent = 0;
      /** Agents that may be at work on a piece: they heard it and have not said that they refuse it. */
      const holders = new Map<string, Set<string>>();
      const answering: Script = ({ agent, frame }) => {
        const holding = holders.get(frame.operationId) ?? new Set<string>();
        holders.set(frame.operationId, holding.add(agent));
        const next = script[spoken++ % script.length];
        if (next?.status === "refused") holding.delete(agent);
        if (!idempotent && faultAfter === undefined) expect(holding.size).toBeLessThanOrEqual(1); // P1
        return next;
      };
      const fleet = createFleet(
        Object.fromEntries(AGENTS.map((id, index) => [id, { capacity: capacities[index] ?? 1, script: answering }])),
        { fault: (_, frame) => frame.kind === "operation" && sent++ === faultAfter },
      );
      const overfull = () => AGENTS.filter((id, index) => fleet.dispatcher.held(id) > (capacities[index] ?? 1));
      const goal = { operation: "ask", pieces: Array.from({ length: pieces }, (_, index) => index) };
      const running = fleet.start("balance", { goal, timeoutMs: 4_000, idempotent });
      for (const { agent, atMs } of deaths) fleet.clock.schedule(atMs, () => fleet.die(agent));
      if (faultAfter === undefined)
        for (let atMs = 0; atMs < 4_000; atMs += 50) {
          fleet.clock.schedule(atMs, () => expect(overfull()).toEqual([])); // L1
        }
      const { report, error } = await fleet.ended(running);
      expect(error).toBeUndefined();
      expect(report?.rows.map(({ index }) => index)).toEqual(goal.pieces); // P3
      const done = report?.rows.filter(({ status }) => status === "ok").length;
      expect(report?.outcome).toMatchObject({ pieces, done });
      if (done === pieces) expect(report).toMatchObject({ status: "completed", outcome: { ended: "everyone" } });
      await fleet.expectNothingLeft();
    }),
  );
});
