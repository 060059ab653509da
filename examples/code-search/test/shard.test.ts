import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperationContext } from "@nexus/agent";
import type { JsonValue } from "@nexus/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Shard } from "../src/shard.ts";

/** Proves the work of the example fleet: searches and their order, counts, a new index, hashes of the corpus alone, votes. */

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "shard-"));
  mkdirSync(join(root, "inner"));
  writeFileSync(join(root, "a.ts"), "Alpha beta\n  alpha\nnothing here");
  writeFileSync(join(root, "b.ts"), `alpha ${"x".repeat(300)}`);
  symlinkSync("/etc/hostname", join(root, "link.ts"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function ask(operation: string, payload?: JsonValue, shard = new Shard(root, 0, 1)): JsonValue {
  const handler = shard.handlers[operation] ?? expect.fail(`no ${operation}`);
  return handler(payload, {} as OperationContext) as JsonValue;
}

describe("search", () => {
  it("puts lines with more of the words first, then shorter ones, and shows no more than a line's beginning", () => {
    const found = ask("search", { query: "ALPHA  beta" }) as unknown as {
      matched: number;
      hits: { file: string; line: number; text: string }[];
    };
    expect(found.matched).toBe(3);
    expect(found.hits.map(({ file, line }) => [file, line])).toEqual([
      ["a.ts", 1],
      ["a.ts", 2],
      ["b.ts", 1],
    ]);
    expect(found.hits[1]?.text).toBe("alpha");
    expect(found.hits[2]?.text).toHaveLength(160);
  });

  it("finds nothing where nothing is, and at most fifty", () => {
    expect(ask("search", { query: "gamma" })).toEqual({ hits: [], matched: 0 });
    writeFileSync(join(root, "many.ts"), "omega\n".repeat(70));
    expect(ask("search", { query: "omega" })).toMatchObject({ matched: 70, hits: { length: 50 } });
    rmSync(join(root, "many.ts"));
  });

  it.each([undefined, {}, { query: 5 }, { query: "" }, { query: "x".repeat(1_001) }, ["query"]])("%j is no query", (payload) => {
    expect(() => ask("search", payload as JsonValue)).toThrow(expect.objectContaining({ code: "invalid-field", field: "query" }));
  });
});

it("counts files, lines and bytes, and sees what is new only after a new index", () => {
  const shard = new Shard(root, 0, 1);
  expect(ask("stats", undefined, shard)).toEqual({ files: 2, lines: 4, bytes: 31 + 306 });
  writeFileSync(join(root, "c.ts"), "new");
  expect(ask("stats", undefined, shard)).toMatchObject({ files: 2 });
  expect(ask("reindex", undefined, shard)).toEqual({ files: 3, version: 2 });
  rmSync(join(root, "c.ts"));
});

describe("hash-file", () => {
  it("is that of the file", () => {
    const sha256 = createHash("sha256").update("Alpha beta\n  alpha\nnothing here").digest("hex");
    expect(ask("hash-file", { path: "a.ts" })).toEqual({ path: "a.ts", sha256 });
  });

  it.each(["../a.ts", "nowhere.ts", "inner", ".", "", "link.ts", "/etc/hostname", "inner/../../a.ts"])(
    "%s is no file of the corpus",
    (path) => {
      expect(() => ask("hash-file", { path })).toThrow(expect.objectContaining({ field: "path" }));
    },
  );
});

it("votes for what its index is new enough for", () => {
  const shard = new Shard(root, 0, 1);
  expect(ask("vote-index-version", { minVersion: 1 }, shard)).toEqual({ vote: "for", version: 1 });
  expect(ask("vote-index-version", { minVersion: 2 }, shard)).toEqual({ vote: "against", version: 1 });
  ask("reindex", undefined, shard);
  expect(ask("vote-index-version", { minVersion: 2 }, shard)).toEqual({ vote: "for", version: 2 });
  expect(() => ask("vote-index-version", { minVersion: "2" }, shard)).toThrow(expect.objectContaining({ field: "minVersion" }));
});
