import { parseArgs } from "node:util";
import type { ChaosSuite, NumberOption, Values } from "./suite.ts";

export type Command =
  | { readonly kind: "help"; readonly suite: ChaosSuite | undefined }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "run"; readonly suite: ChaosSuite; readonly values: Values; readonly json: boolean };

export function helpOf(suites: ReadonlyMap<string, ChaosSuite>, suite: ChaosSuite | undefined): string {
  const options = [
    ...Object.entries(suite?.options ?? {}).map(([name, option]) => [`--${name} N`, told(option)]),
    ["--json", "one line of JSON on stdout instead of text"],
  ].map(([option = "", text = ""]) => `  ${option.padEnd(18)}${text}\n`);
  const about = (suite === undefined ? [...suites.values()] : [suite]).map(
    ({ name, summary }) => `  ${name.padEnd(18)}${summary}\n`,
  );
  return `npm run chaos -- ${suite?.name ?? "<suite>"} [options]

Kills, stops and cuts off real processes over a private nats-server, and looks whether what is promised holds. Progress is on
stderr; every process that it starts ends with it.

${about.join("")}
${options.join("")}
The exit code is 0 when everything held, 1 when something did not, 2 when the arguments are wrong.
`;
}

function told({ summary, min, max, default: value }: NumberOption): string {
  return `${summary} (${min}–${max}; default ${value})`;
}

export function parseArguments(argv: readonly string[], suites: ReadonlyMap<string, ChaosSuite>): Command {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h") return { kind: "help", suite: undefined };
  const suite = suites.get(name);
  if (suite === undefined) {
    return { kind: "refused", message: `there is no suite "${name}"; there are: ${[...suites.keys()].join(", ")}` };
  }
  try {
    return parseFor(suite, rest);
  } catch (error) {
    return { kind: "refused", message: (error as Error).message };
  }
}

function parseFor(suite: ChaosSuite, args: string[]): Command {
  const { values: texts } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      json: { type: "boolean" },
      ...Object.fromEntries(Object.keys(suite.options).map((name) => [name, { type: "string" as const }])),
    },
  });
  if (texts.help === true) return { kind: "help", suite };
  const given = texts as Readonly<Record<string, unknown>>;
  const values = Object.fromEntries(
    Object.entries(suite.options).map(([name, option]) => [name, numberOf(name, given[name], option)]),
  );
  return { kind: "run", suite, values, json: texts.json ?? false };
}

/** @throws RangeError for what is no integer in the option's range */
function numberOf(name: string, text: unknown, { min, max, default: value }: NumberOption): number {
  if (typeof text !== "string") return value;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new RangeError(`--${name} must be an integer in [${min}, ${max}]; it is "${text.slice(0, 40)}"`);
}
