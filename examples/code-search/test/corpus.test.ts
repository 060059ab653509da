import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listSources, readShard, shardOf } from "../src/corpus.ts";

/** Proves that every source file is in exactly one shard, in one order, and that nothing else is in any. */

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "corpus-"));
  const files = ["b/two.ts", "a/one.js", "a/deep/three.md", "four.mjs", "five.cjs", "a/no.txt", "no.png", "a.ts/six.ts"];
  for (const path of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `text of ${path}`);
  }
  writeFileSync(join(root, "large.ts"), "x".repeat(200_001));
  symlinkSync(join(root, "a"), join(root, "link"));
  symlinkSync(join(root, "four.mjs"), join(root, "link.mjs"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sources = ["a.ts/six.ts", "a/deep/three.md", "a/one.js", "b/two.ts", "five.cjs", "four.mjs"];

describe("listSources", () => {
  it("finds sources in all folders, not what is large, linked, or something else", () => {
    expect(listSources(root).sort()).toEqual(sources);
  });

  it("is the same each time, and empty where there is nothing", () => {
    expect(listSources(root)).toEqual(listSources(root));
    expect(listSources(join(root, "nowhere"))).toEqual([]);
  });
});

describe("shards", () => {
  it("share the files out: each is in exactly one, with its text", () => {
    const paths = listSources(root);
    for (const shards of [1, 2, 7]) {
      const all = Array.from({ length: shards }, (_, shard) => readShard(root, paths, shard, shards)).flat();
      expect(all.map(({ path }) => path).sort()).toEqual(sources);
      expect(all.every(({ path, text }) => text === `text of ${path}`)).toBe(true);
    }
  });

  it("are numbered from 0, and a file's is the same on every machine", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (path, shards) => {
        const shard = shardOf(path, shards);
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
      }),
    );
    expect([shardOf("a/one.js", 24), shardOf("b/two.ts", 24), shardOf("four.mjs", 24)]).toEqual([7, 11, 4]);
  });
});
