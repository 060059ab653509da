import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { biomeConfig } from "../biome-config.mjs";
import { rows, wrapped } from "../import-table.mjs";

/**
 * Proves the lint: for every cell of the import table a file that crosses it is refused, and every allowed import passes.
 * The violations are written into a folder of the workspace's layout and linted with the workspace's own configuration.
 */

const root = resolve(import.meta.dirname, "../../..");

/** One package of each kind that can be imported. */
const packages = [
  "@nexus/contracts",
  "@nexus/core-voting",
  "@nexus/ports",
  "@nexus/adapter-nats",
  "@nexus/engine",
  "@nexus/runtime",
  "@nexus/agent",
  "@nexus/client",
  "@nexus/router",
  "@nexus/consensus",
  "@nexus/embedded",
  "@nexus/cli",
  "@nexus/testing",
];

/** A folder and file of each row, and what it may import by the table of ARCHITECTURE.md, written down once more by hand. */
const table: Record<string, { file: string; may: string[] }> = {
  contracts: { file: "libs/contracts/src", may: [] },
  core: { file: "libs/core/clocks/src", may: ["@nexus/core-voting"] },
  ports: { file: "libs/ports/src", may: ["@nexus/contracts"] },
  adapters: { file: "libs/adapters/nats/src", may: ["@nexus/contracts", "@nexus/ports"] },
  engine: { file: "libs/engine/src", may: ["@nexus/contracts", "@nexus/core-voting", "@nexus/ports"] },
  runtime: { file: "libs/runtime/src", may: ["@nexus/contracts", "@nexus/ports", "@nexus/adapter-nats"] },
  agent: { file: "libs/sdk/agent/src", may: ["@nexus/contracts", "@nexus/core-voting", "@nexus/ports", "@nexus/adapter-nats"] },
  client: {
    file: "libs/sdk/client/src",
    may: ["@nexus/contracts", "@nexus/core-voting", "@nexus/ports", "@nexus/adapter-nats", "@nexus/engine"],
  },
  services: {
    file: "services/router/src",
    may: ["@nexus/contracts", "@nexus/core-voting", "@nexus/ports", "@nexus/adapter-nats", "@nexus/engine", "@nexus/runtime"],
  },
  embedded: {
    file: "services/embedded/src",
    may: [
      "@nexus/contracts",
      "@nexus/ports",
      "@nexus/adapter-nats",
      "@nexus/runtime",
      "@nexus/agent",
      "@nexus/client",
      "@nexus/router",
      "@nexus/consensus",
    ],
  },
  cli: {
    file: "libs/cli/src",
    may: ["@nexus/contracts", "@nexus/adapter-nats", "@nexus/runtime", "@nexus/agent", "@nexus/client", "@nexus/embedded"],
  },
  testing: { file: "libs/testing/src", may: ["@nexus/core-voting", "@nexus/ports"] },
};

interface Case {
  readonly path: string;
  readonly source: string;
  /** The rule that must fire; absent: the file must be clean. */
  readonly rule?: string;
}

const imports = "lint/style/noRestrictedImports";
const globals = "lint/style/noRestrictedGlobals";

function cases(): Case[] {
  const list: Case[] = [];
  for (const [row, { file, may }] of Object.entries(table)) {
    for (const name of packages) {
      const path = `${file}/cell-${row}-${name.slice(7)}.ts`;
      list.push({ path, source: `import "${name}";\n`, ...(may.includes(name) ? {} : { rule: imports }) });
    }
    for (const [library, owners] of Object.entries(wrapped)) {
      const name = library.replace("*", "api");
      const owner = owners.some((glob) => glob.startsWith(file) || (row === "adapters" && glob.startsWith("libs/adapters/")));
      if (owner) continue;
      list.push({ path: `${file}/wrapped-${row}-${name.replace(/\W/g, "-")}.ts`, source: `import "${name}";\n`, rule: imports });
    }
    list.push({ path: `${file}/leaves-${row}.ts`, source: 'import "../../other/src/index.ts";\n', rule: imports });
  }
  for (const row of ["contracts", "core", "ports", "engine"]) {
    const folder = table[row]?.file ?? "";
    list.push({ path: `${folder}/builtin-${row}.ts`, source: 'import "node:fs";\n', rule: imports });
    list.push({ path: `${folder}/deep-builtin-${row}.ts`, source: 'import "node:fs/promises";\n', rule: imports });
    list.push({ path: `${folder}/date-${row}.ts`, source: "export const now = Date.now();\n", rule: globals });
    list.push({ path: `${folder}/timer-${row}.ts`, source: "setTimeout(() => {}, 1);\n", rule: globals });
    list.push({ path: `${folder}/process-${row}.ts`, source: "export const env = process.argv;\n", rule: globals });
    list.push({ path: `${folder}/performance-${row}.ts`, source: "export const at = performance.now();\n", rule: globals });
  }
  list.push({ path: "libs/adapters/nats/src/wrapper.ts", source: 'import "nats";\n' });
  list.push({ path: "services/router/src/timer.ts", source: "setTimeout(() => {}, 1);\n" });
  return list;
}

describe("the import table", () => {
  let folder = "";
  const found = new Map<string, Set<string>>();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "nexus-lint-"));
    const { vcs: _vcs, ...config } = biomeConfig();
    // Dependencies are declared nowhere in this folder; that rule has its own work in the real tree.
    config.linter.rules.correctness.noUndeclaredDependencies = "off";
    writeFileSync(join(folder, "biome.json"), JSON.stringify(config));
    for (const { path, source } of cases()) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    for (const { path, rule } of lint(folder)) found.set(path, (found.get(path) ?? new Set()).add(rule));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases())("$path $rule", ({ path, rule }) => {
    expect([...(found.get(path) ?? [])]).toEqual(rule === undefined ? [] : [rule]);
  });

  it("is what biome.json says", () => {
    expect(JSON.parse(readFileSync(join(root, "biome.json"), "utf8"))).toEqual(biomeConfig());
  });

  it("knows every row", () => {
    expect(rows.map((row) => row.name).filter((name) => name !== "examples")).toEqual(Object.keys(table));
  });
});

function lint(folder: string): { path: string; rule: string }[] {
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  let text: string;
  try {
    text = execFileSync(process.execPath, [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    // It exits with 1 since it found what it should.
    text = (error as { stdout: string }).stdout;
  }
  const { diagnostics } = JSON.parse(text) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  return diagnostics.map(({ category, location }) => ({
    path: (typeof location.path === "string" ? location.path : location.path.file).replace(/^\.\//, ""),
    rule: category,
  }));
}
