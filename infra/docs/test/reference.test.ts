/**
 * The reference is what the schemas say: the committed documents are the generated ones, nothing of the wire is left out of
 * them, and their examples are valid messages.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as contracts from "@nexus/contracts";
import { channels, channelsOf, createSubjects, type MessageName, messages } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { documents, root } from "../src/documents.ts";
import { readExamples } from "../src/examples.ts";
import { fencesOf } from "../src/markdown.ts";
import { messageNames } from "../src/schemas.ts";

const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".md"));
const textOf = (page: string) => readFileSync(join(root, "docs", page), "utf8");

describe("the committed documents", () => {
  it("are the generated ones", () => {
    const main = join(root, "infra/docs/src/main.ts");
    const check = spawnSync(process.execPath, [main, "--check"], { cwd: root, encoding: "utf8" });
    expect(check.stderr).toBe("");
    expect(check.status).toBe(0);
  });

  it("tell of every message, error code, limit and configuration variable", () => {
    const all = documents();
    expect([...all.keys()]).toEqual(expect.arrayContaining(messageNames.map((name) => `docs/protocol/schemas/${name}.json`)));
    const told = (page: string, name: string) => all.get(`docs/protocol/${page}`)?.includes(`| \`${name}\` |`);
    expect(Object.keys(contracts.errorCodes).filter((code) => !told("errors.md", code))).toEqual([]);
    expect(Object.keys(contracts.limits).filter((limit) => !told("limits.md", limit))).toEqual([]);
    expect(Object.values(contracts.metrics).filter(({ name }) => !told("telemetry.md", name))).toEqual([]);
    expect(Object.values(contracts.spanNames).filter((name) => !told("telemetry.md", name))).toEqual([]);
  });
});

describe("the table of messages", () => {
  it("has every schema that carries a wire version", () => {
    const versioned = Object.entries(contracts).filter(([, value]) => value instanceof z.ZodObject && "v" in value.shape);
    const known = new Set<unknown>(Object.values(messages));
    expect(versioned.length).toBeGreaterThan(20);
    expect(versioned.filter(([, schema]) => !known.has(schema)).map(([name]) => name)).toEqual([]);
  });

  it("calls each by the id of its schema", () => {
    expect(messageNames.filter((name) => messages[name].meta()?.id !== name)).toEqual([]);
  });

  it("has no message without a subject", () => {
    const carried = new Set(channels.flatMap((channel) => [...channel.messages, ...(channel.answers ?? [])]));
    expect(messageNames.filter((name) => !carried.has(name))).toEqual([]);
  });
});

describe("the table of subjects", () => {
  it("has every subject that can be built", () => {
    const asked = new Set<string | symbol>();
    const subjects = createSubjects();
    const get = (target: typeof subjects, name: string | symbol) => {
      asked.add(name);
      return Reflect.get(target, name);
    };
    channelsOf(new Proxy(subjects, { get }));
    // Those with wildcards are subscriptions to several of the others.
    const concrete = Object.keys(subjects).filter((name) => name !== "prefix" && !name.startsWith("every"));
    expect(concrete.filter((name) => !asked.has(name))).toEqual([]);
  });

  it("has every verb of every service, and leaves no mark of its own making", () => {
    const verbs = Object.entries(contracts.serviceVerbs).flatMap(([service, all]) =>
      all.map((verb) => `nexus.${service}.${verb}`),
    );
    const covered = (subject: string) =>
      channels.some(({ address, values }) => {
        const parts = address.split(".").map((part) => values?.[part.slice(1, -1)] ?? [part]);
        return subject.split(".").every((token, index) => parts[index]?.includes(token));
      });
    expect(verbs.filter((verb) => !covered(verb))).toEqual([]);
    expect(channels.filter(({ address }) => /marked|0{8}/.test(address))).toEqual([]);
  });
});

/** Tolerant schemas drop what they do not know, and an example must hold nothing of that kind. */
function faultsOf(name: MessageName, value: unknown): string[] {
  const parsed = messages[name].safeParse(value);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  return JSON.stringify(sorted(parsed.data)) === JSON.stringify(sorted(value))
    ? []
    : ["it has a field that the schema does not know"];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sorted(member)]);
}

describe("examples", () => {
  it("are there for every message", () => {
    const shown = new Set(readExamples().map(({ message }) => message));
    expect(messageNames.filter((name) => !shown.has(name))).toEqual([]);
  });

  it.each(readExamples().map((example) => [`${example.message} ${example.variant}`, example] as const))(
    "%s is valid",
    (_, example) => {
      expect(faultsOf(example.message, example.value)).toEqual([]);
    },
  );

  it("on the pages are valid, and say what they are", () => {
    const blocks = pages.flatMap((page) => fencesOf(textOf(page)).map((fence) => ({ page, ...fence })));
    const labelled = blocks.filter(({ language, label }) => language === "json" && label !== "output");
    expect(labelled.length).toBeGreaterThan(30);
    const faults = labelled.flatMap(({ page, line, label, text }) => {
      const name = messageNames.find((known) => known === label.split(" ")[0]);
      const found = name === undefined ? ["its fence names no message: ```json <message>"] : faultsOf(name, JSON.parse(text));
      return found.map((fault) => `docs/${page}:${line}: ${fault}`);
    });
    expect(faults).toEqual([]);
  });
});
