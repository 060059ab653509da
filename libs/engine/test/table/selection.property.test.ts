import type { Hello, Selector } from "@nexus/contracts";
import fc from "fast-check";
import { expect, it } from "vitest";
import { isPresent, RoutingTable } from "../../src/index.ts";

/** Proves T2 and T6: whatever happens, a selector means who is present now, and lists of one version are the same. */

const ids = ["a", "b", "c", "d"];
const groups = ["red", "blue"];
const zones = ["east", "west"];

const events = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("hello" as const),
      id: fc.constantFrom(...ids),
      life: fc.nat(1),
      group: fc.constantFrom(...groups),
      zone: fc.constantFrom(...zones),
    }),
    fc.record({ kind: fc.constant("heartbeat" as const), id: fc.constantFrom(...ids), life: fc.nat(1) }),
    fc.record({ kind: fc.constant("bye" as const), id: fc.constantFrom(...ids), life: fc.nat(1) }),
    fc.record({ kind: fc.constant("answered" as const), id: fc.constantFrom(...ids) }),
    fc.record({ kind: fc.constant("expire" as const), afterMs: fc.constantFrom(0, 1_000, 3_000, 400_000) }),
  ),
  { maxLength: 40 },
);

const selectors: readonly Selector[] = [
  { all: true },
  ...groups.map((group) => ({ group })),
  { group: "nobody" },
  ...zones.map((zone) => ({ labels: { zone } })),
];

/** Looks at every agent. */
function twin(table: RoutingTable, { group, labels }: Selector): string[] {
  return [...table.entries()]
    .filter((entry) => isPresent(entry) && (group === undefined || entry.groups.has(group)))
    .filter((entry) => labels === undefined || entry.labels["zone"] === labels["zone"])
    .map(({ id }) => id)
    .sort();
}

function hello(life: number, group: string, zone: string): Hello {
  const wire = { min: 1, max: 1 };
  return {
    v: 1,
    wire,
    connId: "c",
    boot: `b${life}`,
    incarnation: 0,
    groups: [group],
    labels: { zone },
    capacity: 1,
    operations: [],
  };
}

it("selects who is present, and the same list while nobody comes or goes", () => {
  const table = () => new RoutingTable({ forgetAfterMs: 10_000 });
  fc.assert(
    fc.property(events, (steps) => {
      const agents = table();
      let nowMs = 0;
      let before = selectors.map((selector) => agents.select(selector));
      for (const step of steps) {
        const load = { inFlight: 0, queueDepth: 0, serviceTimeMs: 0 };
        const process = { cpu: 0, memory: 0, eventLoopDelayMs: 0 };
        if (step.kind === "hello") agents.hello(step.id, hello(step.life, step.group, step.zone), nowMs);
        else if (step.kind === "heartbeat") agents.heartbeat(step.id, { v: 1, boot: `b${step.life}`, process, ...load }, nowMs);
        else if (step.kind === "bye") agents.bye(step.id, { v: 1, boot: `b${step.life}` });
        else if (step.kind === "expire") {
          nowMs += step.afterMs;
          agents.expire(nowMs);
        } else {
          const entry = agents.get(step.id);
          if (entry !== undefined) agents.answered(entry, 1, 0, nowMs);
        }
        const after = selectors.map((selector) => agents.select(selector));
        for (const [index, selector] of selectors.entries()) {
          const [old, now] = [before[index], after[index]];
          expect(now?.agents.map(({ id }) => id).sort()).toEqual(twin(agents, selector));
          if (old?.version !== now?.version || selector.labels !== undefined) continue;
          expect(now?.agents).toBe(old?.agents);
        }
        before = after;
      }
    }),
    { numRuns: 200 },
  );
});
