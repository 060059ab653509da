import { limits } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { replyCases } from "./cases/replies.ts";
import { accepted, frames, harmless, refused } from "./tables.ts";

/** Proves of the tables themselves: there are enough of them, no case is there twice, and every bound of the wire has one. */

const CASES_MIN = 200;

const areas: readonly (readonly [area: string, cases: readonly { readonly name: string }[]])[] = [
  ...Object.entries(refused).map(([area, cases]) => [`refused: ${area}`, cases] as const),
  ...Object.entries(harmless).map(([area, cases]) => [`harmless: ${area}`, cases] as const),
  ...Object.entries(frames).map(([area, cases]) => [`dropped: ${area}`, cases] as const),
  ["understood: frames at a bound", accepted],
  ["unanswered: reply subjects", replyCases],
];

/** Bounds that no message can be above, each with what it bounds instead. */
const notOfMessages: Readonly<Partial<Record<keyof typeof limits, string>>> = {
  timeoutMsDefault: "a default",
  resultRowsMax: "rows that a router puts into a result; the rest is paged",
  attemptsMax: "rungs of a ladder that a router walks",
  membersMax: "rows of an answer of the gossip service",
  watchersMax: "watchers of one router",
  watchEventsPerSecondMax: "events that a router publishes",
  watchRunningMax: "rows of a router's answer to a watcher",
  handlerSpansMax: "spans that a router has recorded",
};

it("prints how many cases there are", () => {
  const lines = areas.map(([area, cases]) => `${String(cases.length).padStart(5)}  ${area}`);
  const total = areas.reduce((sum, [, cases]) => sum + cases.length, 0);
  console.log(["hostile cases of the tables:", ...lines, `${String(total).padStart(5)}  in all`].join("\n"));
  expect(total).toBeGreaterThanOrEqual(CASES_MIN);
});

describe.each(areas)("%s", (_area, cases) => {
  it("has each case once", () => {
    const names = cases.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

it("every bound of the wire has a case above it, or says why there can be none", () => {
  const tested = new Set([...Object.values(refused), ...Object.values(frames)].flat().flatMap(({ limit }) => limit ?? []));
  const missing = (Object.keys(limits) as (keyof typeof limits)[]).filter(
    (name) => !tested.has(name) && notOfMessages[name] === undefined,
  );
  expect(missing).toEqual([]);
  const atBound = new Set([...Object.values(refused).flat(), ...accepted].flatMap(({ limit }) => limit ?? []));
  expect([...tested].filter((name) => !atBound.has(name))).toEqual([]);
  expect(Object.keys(notOfMessages).filter((name) => tested.has(name as keyof typeof limits))).toEqual([]);
});
