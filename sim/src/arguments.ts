import { parseArgs } from "node:util";
import type { NumberOption, SimSuite, Values } from "./suite.ts";

export interface Run {
  readonly suite: SimSuite;
  readonly values: Values;
  readonly seeds: readonly number[];
  readonly json: boolean;
  /** A file for the transcripts. */
  readonly transcript: string | undefined;
}

export type Command =
  | { readonly kind: "help"; readonly suite: SimSuite | undefined }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "run"; readonly run: Run }
  /** The table of docs/gossip.md. */
  | { readonly kind: "rounds"; readonly seeds: number; readonly json: boolean; readonly page: string | undefined };

const ROUNDS = "gossip-rounds";
const SEED_MAX = 2 ** 32 - 1;
const common = {
  seeds: { summary: "how many runs, with the seeds 1, 2, …", min: 1, max: 1_000_000, default: 100 },
  seed: { summary: "one run, with this seed: replays it", min: 0, max: SEED_MAX, default: Number.NaN },
} as const satisfies Record<string, NumberOption>;

export function helpOf(suites: ReadonlyMap<string, SimSuite>, suite: SimSuite | undefined): string {
  const options: Readonly<Record<string, NumberOption>> = { ...common, ...suite?.options };
  const lines = [
    ...Object.entries(options).map(([name, option]) => [`--${name} ${option.isFraction === true ? "P" : "N"}`, told(option)]),
    ["--transcript FILE", "writes every event of every run; for --seed"],
    ["--json", "one line of JSON on stdout instead of text"],
  ].map(([option = "", text = ""]) => `  ${option.padEnd(20)}${text}\n`);
  const about =
    suite === undefined
      ? [
          ...suites.values(),
          { name: ROUNDS, summary: "a table of 8 to 512 nodes beside the bounds; --page DIR writes it and a picture" },
        ]
          .map(({ name, summary }) => `  ${name.padEnd(20)}${summary}\n`)
          .join("")
      : `  ${suite.summary}\n`;
  return `npm run sim -- ${suite?.name ?? "<suite>"} [options]

Runs cores among simulated faults in virtual time, once for each seed; the same seed gives the same run.

${about}
${lines.join("")}
The exit code is 0 when nothing was violated, 1 when something was, 2 when the arguments are wrong.
`;
}

function told({ summary, min, max, default: value }: NumberOption): string {
  return Number.isNaN(value) ? summary : `${summary} (${min}–${max}; default ${value})`;
}

export function parseArguments(argv: readonly string[], suites: ReadonlyMap<string, SimSuite>): Command {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h") return { kind: "help", suite: undefined };
  if (name === ROUNDS) return refusing(() => parseRounds(rest));
  const suite = suites.get(name);
  if (suite === undefined) {
    return { kind: "refused", message: `there is no simulation "${name}"; there are: ${[...suites.keys()].join(", ")}` };
  }
  return refusing(() => parseFor(suite, rest));
}

function refusing(parse: () => Command): Command {
  try {
    return parse();
  } catch (error) {
    return { kind: "refused", message: (error as Error).message };
  }
}

function parseRounds(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      json: { type: "boolean" },
      page: { type: "string" },
      seeds: { type: "string" },
    },
  });
  if (values.help === true) return { kind: "help", suite: undefined };
  const seeds = numberOf("seeds", values.seeds, common.seeds);
  return { kind: "rounds", seeds, json: values.json ?? false, page: values.page };
}

function parseFor(suite: SimSuite, args: string[]): Command {
  const numbers: Record<string, NumberOption> = { ...common, ...suite.options };
  const { values: texts } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      json: { type: "boolean" },
      transcript: { type: "string" },
      ...Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: "string" as const }])),
    },
  });
  if (texts.help === true) return { kind: "help", suite };
  const all = Object.fromEntries(
    Object.entries(numbers).map(([name, option]) => [name, numberOf(name, (texts as Record<string, unknown>)[name], option)]),
  );
  const { seeds, seed, ...values } = all as Record<"seeds" | "seed" | string, number>;
  const wrong = suite.refuse?.(values);
  if (wrong !== undefined) return { kind: "refused", message: wrong };
  const of = Number.isNaN(seed) ? Array.from({ length: seeds as number }, (_, index) => index + 1) : [seed as number];
  return { kind: "run", run: { suite, values, seeds: of, json: texts.json ?? false, transcript: texts.transcript } };
}

/** @throws RangeError for what is no number in the option's range */
function numberOf(name: string, text: unknown, option: NumberOption): number {
  if (typeof text !== "string") return option.default;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isWhole = option.isFraction === true || Number.isInteger(value);
  if (isWhole && value >= option.min && value <= option.max) return value;
  const kind = option.isFraction === true ? "a number" : "an integer";
  throw new RangeError(`--${name} must be ${kind} in [${option.min}, ${option.max}]; it is "${text.slice(0, 40)}"`);
}
