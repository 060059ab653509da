import fc from "fast-check";
import { expect, test } from "vitest";
import { isPresent, RoutingTable } from "../../src/index.ts";
import { helloOf } from "../scripted-fleet.ts";

/**
 * Proves, for any order of hellos, heartbeats, goodbyes and silences: the version rises exactly with membership, address and
 * state (T2), the counts and the groups' index are what counting gives, and the bound holds (T4).
 */

const ids = ["a", "b", "c", "d"];
const groups = ["g", "h"];
const AGENTS_MAX = 3;
const process = { cpu: 0, memory: 0, eventLoopDelayMs: 0 };
const load = { inFlight: 0, queueDepth: 0, serviceTimeMs: 0 };

const event = fc.record({
  kind: fc.constantFrom("hello", "heartbeat", "conn-heartbeat", "bye", "answered", "silence"),
  id: fc.constantFrom(...ids),
  boot: fc.constantFrom("b1", "b2"),
  incarnation: fc.nat(2),
  connId: fc.constantFrom("c1", "c2"),
  groups: fc.subarray(groups),
  waitMs: fc.oneof(fc.nat(500), fc.nat(6_000), fc.nat(400_000)),
});

test("version, counts and index are those of a plain list", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const table = new RoutingTable({ agentsMax: AGENTS_MAX });
      let nowMs = 0;
      const snapshot = () =>
        JSON.stringify(
          [...table.entries()].map(({ id, boot, incarnation, connId, state }) => [id, boot, incarnation, connId, state]).sort(),
        );
      for (const { kind, id, boot, incarnation, connId, waitMs, ...more } of events) {
        const before = { version: table.version, snapshot: snapshot() };
        const entry = table.get(id);
        if (kind === "hello") table.hello(id, helloOf({ boot, incarnation, connId, groups: more.groups }), nowMs);
        else if (kind === "heartbeat") table.heartbeat(id, { v: 1, boot, process, ...load }, nowMs);
        else if (kind === "conn-heartbeat")
          table.connHeartbeat(connId, { v: 1, process, agents: [{ agent: id, boot, ...load }] }, nowMs);
        else if (kind === "bye") table.bye(id, { v: 1, boot });
        else if (kind === "answered") entry === undefined || table.answered(entry, 0, 0, nowMs);
        else {
          nowMs += waitMs;
          table.expire(nowMs);
        }
        expect(table.version).toBeGreaterThanOrEqual(before.version);
        expect(table.version !== before.version).toBe(snapshot() !== before.snapshot); // T2
        const entries = [...table.entries()];
        expect(entries.length).toBeLessThanOrEqual(AGENTS_MAX); // T4
        expect(table.size).toBe(entries.filter(isPresent).length);
        for (const group of groups) {
          const members = entries.filter((one) => isPresent(one) && one.groups.has(group)).map((one) => one.id);
          expect(
            table
              .select({ group })
              .agents.map((one) => one.id)
              .sort(),
          ).toEqual(members.sort());
        }
      }
    }),
  );
});
