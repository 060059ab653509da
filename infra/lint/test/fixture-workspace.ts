import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { declared, type Source } from "./import-cells.ts";

/**
 * A folder with the layout of the workspace and its very configuration, in which violations can be written and linted.
 *
 * biome.json and its plugins are copied byte for byte; only package.json files are made up, so that each declares all
 * that the violations import.
 */

const root = resolve(import.meta.dirname, "../../..");
const fixtures = resolve(import.meta.dirname, "../fixtures");

/** The violations that are written by hand, for the rules beyond the import table. */
export function handWritten(): Source[] {
  return readdirSync(fixtures, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(fixtures, path), text: readFileSync(path, "utf8") }));
}

/** What a source says must be refused, as `line rule`; a whole file's format is line 0. */
export function expected({ text }: Source): string[] {
  return text.split("\n").flatMap((line, index) => {
    const rules = /\/\/ refused: (.+)$/.exec(line)?.[1]?.split(" ") ?? [];
    return rules.map((rule) => `${rule === "format" ? 0 : index + 1} ${rule}`);
  });
}

/** @returns by path what Biome refused, as `line rule`, each once, in the order of the lines */
export function lint(sources: readonly Source[]): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), "nexus-lint-"));
  try {
    for (const path of ["biome.json", ".gitignore", "infra/lint/rules"])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    for (const { path, text } of sources) write(join(folder, path), text);
    for (const path of packageFolders(sources)) write(join(folder, path, "package.json"), manifest());
    return refusals(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packageFolders(sources: readonly Source[]): Set<string> {
  return new Set(["", ...sources.map(({ path }) => /^(.+?)\/(?:src|test|conformance)\//.exec(path)?.[1] ?? "")]);
}

function manifest(): string {
  const dependencies = Object.fromEntries(declared.map((name) => [name, "1.0.0"]));
  return `${JSON.stringify({ private: true, type: "module", dependencies, devDependencies: { vitest: "1.0.0" } }, null, 2)}\n`;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

interface Report {
  readonly summary: { readonly errors: number; readonly diagnosticsNotPrinted: number };
  readonly diagnostics: readonly {
    readonly category: string;
    readonly message: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

function refusals(folder: string): Map<string, string[]> {
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  if (!existsSync(biome)) throw new Error(`${biome} is missing: install the packages`);
  const { stdout, stderr } = spawnSync(process.execPath, [biome, "check", "--reporter=json", "--max-diagnostics=none", "."], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  // Without a report the configuration or a plugin could not be loaded, and stderr says which.
  if (!stdout.startsWith("{")) throw new Error(`biome gave no report: ${stderr}`);
  const { summary, diagnostics } = JSON.parse(stdout) as Report;
  if (summary.diagnosticsNotPrinted > 0) throw new Error(`${summary.diagnosticsNotPrinted} diagnostics are missing`);
  const found = new Map<string, Set<string>>();
  for (const { category, message, location } of diagnostics) {
    const rule = category === "plugin" ? `plugin/${message.split(":")[0]}` : category.replace("lint/", "");
    const refused = found.get(location.path) ?? new Set();
    found.set(location.path, refused.add(`${location.start.line} ${rule}`));
  }
  return new Map([...found].map(([path, refused]) => [path, [...refused]]));
}
