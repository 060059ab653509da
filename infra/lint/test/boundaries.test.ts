import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { biomeConfig } from "../biome-config.mjs";
import { expected, handWritten, lint } from "./fixture-workspace.ts";
import { importCells, type Source } from "./import-cells.ts";

/**
 * Proves the lint: each cell of the import table, and each rule beside it, is crossed once on purpose, and exactly the
 * expected rule must fire on exactly the expected line. What is allowed is imported too, and must stay clean. All of it
 * is one run of Biome with the workspace's own biome.json.
 */

const cells = importCells();
const fixtures = handWritten();

describe("the lint", () => {
  let found = new Map<string, string[]>();

  beforeAll(() => {
    found = lint([...cells, ...fixtures]);
  });

  const foundIn = (sources: readonly Source[]) =>
    sources.map(({ path }) => ({ path, refused: found.get(path)?.toSorted() ?? [] }));
  const expectedIn = (sources: readonly Source[]) =>
    sources.map((source) => ({ path: source.path, refused: expected(source).toSorted() }));

  describe("refuses and allows by the import table", () => {
    const folders = Map.groupBy(cells, ({ path }) => dirname(path));
    it.each([...folders])("%s", (_folder, sources) => {
      expect(foundIn(sources)).toEqual(expectedIn(sources));
    });
  });

  describe("refuses and allows by the other rules", () => {
    it.each(fixtures)("$path", (source) => {
      expect(foundIn([source])).toEqual(expectedIn([source]));
    });
  });

  it("complains of nothing but the sources", () => {
    const known = new Set([...cells, ...fixtures].map(({ path }) => path));
    expect([...found.keys()].filter((path) => !known.has(path))).toEqual([]);
  });

  it("has a violation of every rule that the configuration turns on by name, and of every plugin", () => {
    const { plugins, linter } = biomeConfig();
    const { preset: _preset, ...groups } = linter.rules;
    const rules = Object.entries(groups).flatMap(([group, names]) =>
      Object.entries(names).flatMap(([name, level]) => (level === "off" ? [] : [`${group}/${name}`])),
    );
    const names = plugins.map(({ path }) => `plugin/${/([^/]+)\.grit$/.exec(path)?.[1]}`);
    const violated = new Set([...cells, ...fixtures].flatMap(expected).map((mark) => mark.split(" ")[1]));
    expect(
      [...rules, ...names, "style/noRestrictedImports", "style/noRestrictedGlobals"].filter((rule) => !violated.has(rule)),
    ).toEqual([]);
  });
});

it("biome.json is what the import table says (node infra/lint/write-biome.mjs)", () => {
  expect(JSON.parse(readFileSync(new URL("../../../biome.json", import.meta.url), "utf8"))).toEqual(biomeConfig());
});
