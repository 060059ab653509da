import { expect, it } from "vitest";
import { type CpuProfile, profileText, summaryOf } from "../src/profile/cpu-profile.ts";

/** Proves: self time goes to the function on top, functions to their file, idling to nobody. */

const frame = (functionName: string, url: string, lineNumber: number) => ({ functionName, url, lineNumber });

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)", "", -1) },
    { id: 2, callFrame: frame("(idle)", "", -1) },
    { id: 3, callFrame: frame("decode", "file:///p/codec.ts", 41) },
    { id: 4, callFrame: frame("", "file:///p/codec.ts", 9) },
    { id: 5, callFrame: frame("decode", "file:///p/codec.ts", 41) }, // called from elsewhere
    { id: 6, callFrame: frame("(garbage collector)", "", -1) },
  ],
  // Each lasts until the next.
  samples: [3, 2, 4, 5, 6, 3],
  timeDeltas: [7, 100, 1_000, 20, 50, 30],
};

it("sums self time by file and function", () => {
  const summary = summaryOf(profile, (url) => url.slice("file:///p/".length));
  expect(summary).toEqual({
    busyUs: 200,
    idleUs: 1_000,
    files: [
      {
        file: "codec.ts",
        selfUs: 170,
        functions: [
          { name: "decode", line: 42, selfUs: 150 },
          { name: "(anonymous)", line: 10, selfUs: 20 },
        ],
      },
      { file: "(v8)", selfUs: 30, functions: [{ name: "(garbage collector)", line: 0, selfUs: 30 }] },
    ],
  });
  expect(profileText("router", summary)).toBe(
    [
      "router: busy 0.00 s, idle 0.00 s; self time, share of busy",
      " 85.0 %  codec.ts",
      " 75.0 %      decode:42",
      " 10.0 %      (anonymous):10",
      " 15.0 %  (v8)",
      " 15.0 %      (garbage collector)",
    ].join("\n"),
  );
});
