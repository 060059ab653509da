/**
 * Pages: their links lead somewhere, the names in them exist; and the means by which pages are tested see what is wrong.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { consoleConfigSchema } from "@nexus/console";
import { attributes, channels, metrics } from "@nexus/contracts";
import { embeddedConfigSchema } from "@nexus/embedded";
import { gossipConfigSchema } from "@nexus/gossip";
import { routerConfigSchema } from "@nexus/router";
import { describe, expect, it, test } from "vitest";
import { root } from "../src/documents.ts";
import { anchorOf, fencesOf, fillMarkers, headingsOf, linksOf, table } from "../src/markdown.ts";
import { jsonFaults, textFaults } from "../src/output-shape.ts";
import { stepsOfPage } from "../src/page-steps.ts";
import { fillStepLines } from "../src/step-lines.ts";

const all = globSync("{*.md,docs/**/*.md,services/*/README.md}", { cwd: root });
const textOf = (page: string) => readFileSync(join(root, page), "utf8");

/** Why a link leads nowhere, if it does. */
function linkFault(page: string, target: string): string | undefined {
  const [path = "", anchor] = target.split("#", 2);
  const file = path === "" ? page : relative(root, join(root, dirname(page), path));
  if (file.startsWith("..") || !existsSync(join(root, file))) return "there is no such file";
  if (anchor === undefined) return undefined;
  const lines = /^L(\d+)(?:-L(\d+))?$/.exec(anchor);
  if (lines !== null) {
    const count = textOf(file).split("\n").length;
    return Number(lines[2] ?? lines[1]) > count ? `it has ${count} lines` : undefined;
  }
  return headingsOf(textOf(file)).some((heading) => anchorOf(heading) === anchor) ? undefined : "there is no such heading";
}

describe("links", () => {
  it.each(all)("of %s lead somewhere", (page) => {
    const inside = linksOf(textOf(page)).filter((target) => !/^\w+:/.test(target));
    const faults = inside.map((target) => [target, linkFault(page, target)]);
    expect(faults.filter(([, fault]) => fault !== undefined)).toEqual([]);
  });

  it("that lead nowhere are seen", () => {
    expect(linkFault("docs/README.md", "nowhere.md")).toMatch(/file/);
    expect(linkFault("docs/README.md", "protocol.md#nowhere")).toMatch(/heading/);
    expect(linkFault("docs/README.md", "../package.json#L1-L99999")).toMatch(/lines/);
    expect(linkFault("docs/README.md", "protocol/types.md#causal-operations-outcome")).toBeUndefined();
  });

  const linkedFrom = (page: string) => linksOf(textOf(page)).map((target) => join(dirname(page), target.split("#")[0] ?? ""));

  it("to a file reach every page of docs/", () => {
    const linked = new Set(all.flatMap(linkedFrom));
    const adr = (page: string) => page.startsWith("docs/adr/"); // reached by their folder
    expect(
      all.filter((page) => page.startsWith("docs/") && !adr(page) && page !== "docs/README.md" && !linked.has(page)),
    ).toEqual([]);
  });

  it("lead from the list of documents to each of them", () => {
    const listed = ["docs/README.md", ...linkedFrom("docs/README.md")];
    expect(globSync("docs/*.md", { cwd: root }).filter((page) => !listed.includes(page))).toEqual([]);
  });
});

describe("names in the pages", () => {
  const handWritten = ["README.md", ...globSync("docs/*.md", { cwd: root })];
  const codeIn = (page: string) => [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);

  it.each(handWritten)("%s names variables that there are", (page) => {
    const schemas = [routerConfigSchema, gossipConfigSchema, consoleConfigSchema, embeddedConfigSchema];
    const known = new Set(schemas.flatMap(({ shape }) => Object.keys(shape)));
    const elsewhere = ["infra/setup/verbs.mjs", "docker-compose.yml", "libs/cli/src/contexts/target.ts"].map(textOf).join("\n");
    const setUp = new Set([...elsewhere.matchAll(/(?:NEXUS|NATS|REDIS)_\w+/g)].map(([name]) => name));
    const named = codeIn(page).flatMap((text) => text.match(/\b(?:NEXUS|OTEL|REDIS|NATS)_[A-Z_]*[A-Z]\b/g) ?? []);
    expect(named.filter((name) => !known.has(name) && !setUp.has(name))).toEqual([]);
  });

  it.each(handWritten)("%s names subjects, metrics and attributes that there are", (page) => {
    const names = new Set<string>([...Object.values(metrics).map(({ name }) => name), ...Object.values(attributes)]);
    const patterns = channels.map(
      ({ address }) => new RegExp(`^${address.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^.]+")}$`),
    );
    // `<id>` stands for a token.
    const texts = codeIn(page).map((text) => text.replace(/<[^<>]*>/g, "x"));
    const named = texts.filter((text) => /^nexus\.[\w.{},*-]+$/.test(text) && !text.endsWith("."));
    expect(named.filter((name) => !names.has(name) && !patterns.some((pattern) => pattern.test(name)))).toEqual([]);
  });
});

describe("log lines in the pages", () => {
  const sources = globSync("{libs,services}/**/src/**/*.ts", { cwd: root, exclude: ["**/node_modules/**"] })
    .map(textOf)
    .join("\n");
  const quoted = [...textOf("docs/failure-modes.md").matchAll(/log(?: is)? "([^"]+)"/g)].map(([, text = ""]) => text);

  it("are what the code logs", () => {
    expect(quoted.length).toBeGreaterThan(12);
    expect(quoted.filter((line) => !sources.includes(line.replace(/:? …$/, "")))).toEqual([]);
  });
});

describe("reading pages", () => {
  const page = [
    "# One",
    "```sh background",
    "npm start",
    "```",
    "```text output",
    "ready …",
    "```",
    "1. item:",
    "   ```ts a.ts",
    "   let a;",
    "   ```",
  ].join("\n");

  test("fences have a language, a label, their text and the line and heading that they stand at", () => {
    expect(fencesOf(page)).toEqual([
      { language: "sh", label: "background", text: "npm start", line: 2, heading: "One" },
      { language: "text", label: "output", text: "ready …", line: 5, heading: "One" },
      { language: "ts", label: "a.ts", text: "let a;", line: 9, heading: "One" },
    ]);
  });

  test("steps are commands with what they say, and files", () => {
    expect(stepsOfPage(page)).toMatchObject([
      { kind: "run", script: "npm start", background: true, exitCode: 0, output: { text: "ready …" } },
      { kind: "file", name: "a.ts", text: "let a;\n" },
    ]);
    expect(stepsOfPage("```sh exit 2\nfalse\n```")).toMatchObject([{ exitCode: 2, background: false, output: undefined }]);
    expect(() => stepsOfPage("```sh somehow\nls\n```")).toThrow(/line 1/);
    expect(() => stepsOfPage("```json output\n{}\n```")).toThrow(/follows no command/);
  });

  test("marks are filled, and one that nothing fills is a fault", () => {
    const marked = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb";
    expect(fillMarkers(marked, { x: "new" })).toBe("a\n<!-- generated: x -->\n\nnew\n\n<!-- end -->\nb");
    expect(() => fillMarkers(marked, {})).toThrow(/"x"/);
  });

  test("steps of a program are linked by their lines", () => {
    const program = "a;\n// Step 1. One\nb;\n\n// Step 2. Two\nc;\n";
    expect(fillStepLines("[step 1](p.ts#L9) [step 2](p.ts)", "p.ts", program)).toBe("[step 1](p.ts#L2-L3) [step 2](p.ts#L5-L6)");
    expect(() => fillStepLines("[step 3](p.ts)", "p.ts", program)).toThrow(/no step 3/);
  });

  test("cells of a table keep to their cell", () => {
    expect(table(["a"], [["x|y"], [""]])).toBe("| a |\n|---|\n| x\\|y |\n| – |");
  });
});

describe("comparing with what is shown", () => {
  test("JSON: what is shown must be there; ids and durations may differ, types may not", () => {
    const said = { id: "1", status: "completed", durationMs: 3, rows: [{ agent: "a" }, { agent: "b" }], more: true };
    expect(jsonFaults({ id: "2", status: "completed", durationMs: 9, rows: [{ agent: "a" }, "…"] }, said)).toEqual([]);
    expect(jsonFaults({ status: "failed" }, said)).toEqual(['$.status: "completed" instead of "failed"']);
    expect(jsonFaults({ rows: [{ agent: "a" }] }, said)).toEqual(["$.rows has 2 items instead of 1"]);
    expect(jsonFaults({ rows: [{ agent: "…" }, { agent: "c" }] }, said)).toEqual(['$.rows[1].agent: "b" instead of "c"']);
    expect(jsonFaults({ id: 2 }, said)).toEqual(['$.id: "1" instead of 2']);
    expect(jsonFaults({ absent: "…" }, said)).toEqual(["$.absent is not there"]);
    expect(jsonFaults({ status: null }, said)).toHaveLength(1);
  });

  test("text: each line that is shown, in order", () => {
    expect(textFaults("one …\nthree", "zero\none  and a half\ntwo\nthree\n")).toEqual([]);
    expect(textFaults("three\none", "one\nthree")[0]).toMatch(/no line "one"/);
    expect(textFaults("one", "one and a half")[0]).toMatch(/no line "one"/);
    expect(textFaults("a+b …", "aab c")).toHaveLength(1);
  });
});
