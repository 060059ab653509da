import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { attributes, metrics, resourceAttributes, spanName, spanNames } from "../src/index.ts";

/**
 * Holds every source of the project to the names of telemetry.ts: none is written anywhere else, what is recorded is
 * recorded under a declared name and by the means of its kind, and no declared name is dead. Each rule reads the text of the
 * sources, and is shown offenders of its own first, so that a rule that sees nothing is a failing test.
 */

interface File {
  readonly path: string;
  readonly text: string;
}

const root = resolve(import.meta.dirname, "../../..");
const DECLARATIONS = "libs/contracts/src/telemetry.ts";
/** The one place that turns declared names into those of the OpenTelemetry library. */
const ADAPTER = "libs/adapters/otel/src/";
const sources: File[] = globSync("{libs,services,examples}/**/src/**/*.{ts,tsx,mjs}", {
  cwd: root,
  exclude: (path) => path.includes("node_modules"),
})
  .filter((path) => path !== DECLARATIONS)
  .map((path) => ({ path, text: readFileSync(resolve(root, path), "utf8") }));

const means = { counter: "count", histogram: "record", gauge: "gauge" } as const;
const said = (file: File, what: string) => `${file.path}: ${what}`;

/** Texts in quotes, without those that are put together. */
const literalsIn = ({ text }: File): string[] =>
  [...text.matchAll(/(["'`])((?:(?!\1)[^\\\n])*)\1/g)].map((match) => match[2] ?? "");

/** A dotted name of one of our namespaces, or the beginning of a span's name. */
const looksDeclared =
  /^(?:(?:nexus|messaging|error|service|otel)(?:\.[a-z_]+)+|(?:publish|process|attempt) \S*(?:\{|\$|nexus\.).*)$/;
function writtenElsewhere(files: readonly File[]): string[] {
  return files.flatMap((file) =>
    literalsIn(file)
      .filter((literal) => looksDeclared.test(literal))
      .map((literal) => said(file, literal)),
  );
}

/** The arguments of each call, by the name of what is called: the text up to the bracket that closes it. */
function callsIn({ text }: File, called: RegExp): { readonly name: string; readonly args: string }[] {
  return [...text.matchAll(called)].map((match) => {
    const begin = match.index + match[0].length;
    let end = begin;
    for (let depth = 1; depth > 0 && end < text.length; end++) {
      if ("([{".includes(text[end] ?? "")) depth++;
      else if (")]}".includes(text[end] ?? "")) depth--;
    }
    return { name: match[1] ?? "", args: text.slice(begin, end - 1) };
  });
}
const recording = /\btelemetry\.(startSpan|count|record|gauge)\(/gi;
const describing = /\b\w*span\.(set|event)\(/gi;

/** The first argument of what records is the key of a declaration, in quotes; a metric is of the kind of its means. */
function undeclared(files: readonly File[]): string[] {
  return files.flatMap((file) =>
    callsIn(file, recording)
      .filter(({ name, args }) => {
        const key = /^\s*"(\w+)"/.exec(args)?.[1] ?? "";
        if (name === "startSpan") return !Object.hasOwn(spanNames, key);
        return !Object.hasOwn(metrics, key) || means[metrics[key as keyof typeof metrics].kind] !== name;
      })
      .map(({ name, args }) => said(file, `${name}(${args.trim().split("\n")[0]}`)),
  );
}

/** Keys of an object that is written out; what is spread or computed is not among them. */
const plainKeys = (text: string): string[] =>
  [...text.matchAll(/[{,]\s*(?:"([^"]+)"|(\w+))\s*:/g)].map(([, a, b]) => a ?? b ?? "");

/** Attributes are written `[attributes.…]`: no key of theirs is spelt out. */
function spelt(files: readonly File[]): string[] {
  const options = ["kind", "parent", "fill", "attributes", ...Object.values(spanNames).flatMap(placeholders)];
  return files.flatMap((file) => [
    ...callsIn(file, recording).flatMap(({ name, args }) =>
      plainKeys(args)
        .filter((key) => name !== "startSpan" || !options.includes(key))
        .map((key) => said(file, key)),
    ),
    ...callsIn(file, describing).flatMap(({ args }) => plainKeys(args).map((key) => said(file, key))),
  ]);
}
function placeholders(name: string): string[] {
  return [...name.matchAll(/\{(\w+)\}/g)].map(([, key]) => key ?? "");
}

/** Only the adapter speaks to OpenTelemetry, so no name goes round the port. */
function aroundThePort(files: readonly File[]): string[] {
  const library = /\b(?:setAttributes?|createCounter|createHistogram|createUpDownCounter|createObservable\w+|addEvent)\(/;
  return files.filter(({ path, text }) => !path.startsWith(ADAPTER) && library.test(text)).map(({ path }) => path);
}

const record = (text: string): File => ({ path: "libs/engine/src/run.ts", text });
const rules: readonly { name: string; check: (files: readonly File[]) => string[]; bad: string[]; good: string[] }[] = [
  {
    name: "no name of telemetry is written anywhere but in telemetry.ts",
    check: writtenElsewhere,
    bad: [
      'const key = "nexus.agent.id";',
      "span.set({ 'messaging.system': 1 })",
      '"service.name"',
      '"publish nexus.coordinate.x"',
    ],
    good: ['"nexus"', '"see nexus.router.agents"', '"process ended"', "`$" + "{prefix}.agents`", '"error"'],
  },
  {
    name: "what is recorded is declared, and of the kind of its means",
    check: undeclared,
    bad: [
      'telemetry.count("agentsLost", 1)',
      'this.#telemetry.count("coordinationDuration", 1)',
      'deps.telemetry.record("coordinations", 1)',
      "telemetry.startSpan(name, {})",
      'telemetry.gauge("operationsSent", () => 1)',
    ],
    good: ['telemetry.count("coordinations", 1)', 'count("x")', 'telemetry.startSpan(\n  "attempt", { kind: "internal" })'],
  },
  {
    name: "no attribute's key is spelt out",
    check: spelt,
    bad: [
      'telemetry.count("coordinations", 1, { type: 1 })',
      'telemetry.startSpan("attempt", { kind: "internal", attributes: { colour: 1 } })',
      'span.set({ "my.key": 1 })',
      "this.#span.set({ [attributes.layer]: 1, other: 2 })",
    ],
    good: [
      'telemetry.startSpan("attempt", { kind: "internal", fill: { layer, strategy: x }, attributes: { [attributes.layer]: 1 } })',
      "span.set({ [attributes.layer]: a.b, ...(c === undefined ? {} : { [attributes.status]: c }) })",
    ],
  },
  {
    name: "nothing but the adapter speaks to OpenTelemetry",
    check: aroundThePort,
    bad: ['span.setAttribute("x", 1)', "meter.createHistogram(name)"],
    good: ["span.set({})"],
  },
];

describe.each(rules)("$name", ({ check, bad, good }) => {
  it("sees each violation and nothing else", () => {
    expect(bad.filter((text) => check([record(text)]).length === 0)).toEqual([]);
    expect(good.flatMap((text) => check([record(text)]))).toEqual([]);
  });

  it("holds for every source", () => {
    expect(check(sources)).toEqual([]);
  });
});

describe("declarations", () => {
  const text = sources.map((file) => file.text).join("\n");
  const calls = sources.flatMap((file) => callsIn(file, recording));
  const recorded = (name: string, key: string) =>
    calls.some((call) => call.name === name && call.args.trim().startsWith(`"${key}"`));
  const referredTo = (what: string, key: string) => new RegExp(`\\b${what}\\.${key}\\b`, "i").test(text);

  it("look at the sources", () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(calls.length).toBeGreaterThan(10);
  });

  it("none is dead", () => {
    expect(Object.keys(spanNames).filter((key) => !recorded("startSpan", key))).toEqual([]);
    expect(Object.entries(metrics).filter(([key, { kind }]) => !recorded(means[kind], key))).toEqual([]);
    expect(Object.keys(attributes).filter((key) => !referredTo("attribute(?:s|Names)", key))).toEqual([]);
    expect(Object.keys(resourceAttributes).filter((key) => !referredTo("resourceAttributes", key))).toEqual([]);
  });

  it("are names that can be told apart, with units and descriptions", () => {
    const names = [
      ...Object.values(spanNames),
      ...Object.values(attributes),
      ...Object.values(resourceAttributes),
      ...Object.values(metrics).map(({ name }) => name),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const { name, unit, description } of Object.values(metrics)) {
      expect(name).toMatch(/^nexus(\.[a-z_]+)+$/);
      expect(unit).toMatch(/^(?:s|By|1|\{[a-z]+\})$/);
      expect(description).not.toBe("");
    }
  });

  it("fill a span's name in", () => {
    expect(spanName("attempt", { layer: "foundation", strategy: "direct" })).toBe("attempt foundation/direct");
    expect(spanName("fanOut")).toBe(spanNames.fanOut);
  });
});
