import { parseArgs } from "node:util";

export interface Options {
  readonly suite: string;
  readonly quick: boolean;
  /** `-` is stdout. */
  readonly json: string | undefined;
  readonly page: string | undefined;
  readonly profile: string | undefined;
  readonly rounds: number | undefined;
  readonly loads: readonly string[] | undefined;
  readonly seed: number | undefined;
}

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "list" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "run"; readonly options: Options };

export const HELP = `npm run bench -- <suite> [options]

Measures a suite beside its floor and its peers, and prints a table. Progress is on stderr.

  --list           the suites
  --json FILE      the results as JSON (- for stdout, in place of the table)
  --page FILE      the results as one HTML page
  --profile DIR    records where the subject's processes spend their time, and prints it; the figures are not comparable
  --quick          a few hundred milliseconds a phase: shows that the suite works, measures nothing
  --rounds N       how often each candidate meets each load (1-100)
  --loads A,B      only these loads, by name
  --seed N         of the random order; printed with the results

The exit code is 0 when the run is valid, 1 when it is void (errors occurred, or a load was not reached) or failed,
2 when the arguments are wrong. Whether an aim holds does not change it.
`;

const ROUNDS_MAX = 100;
const SEED_MAX = 2 ** 32 - 1;

export function parseArguments(argv: readonly string[]): Command {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    return { kind: "refused", message: (error as Error).message };
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: "help" };
  if (values.list === true) return { kind: "list" };
  const [suite, ...more] = positionals;
  if (suite === undefined) return { kind: "refused", message: "name a suite; --list shows them" };
  if (more.length > 0) return { kind: "refused", message: `one suite at a time; "${more[0]}" is one too many` };
  const rounds = integerIn("--rounds", values.rounds, 1, ROUNDS_MAX);
  const seed = integerIn("--seed", values.seed, 0, SEED_MAX);
  for (const value of [rounds, seed]) if (typeof value === "string") return { kind: "refused", message: value };
  for (const name of ["json", "page", "profile", "loads"] as const) {
    if (values[name] === "") return { kind: "refused", message: `--${name} needs a value` };
  }
  if (values.page === "-") return { kind: "refused", message: "--page needs a file" };
  return {
    kind: "run",
    options: {
      suite,
      quick: values.quick ?? false,
      json: values.json,
      page: values.page,
      profile: values.profile,
      rounds: rounds as number | undefined,
      loads: values.loads?.split(",").map((name) => name.trim()),
      seed: seed as number | undefined,
    },
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      list: { type: "boolean" },
      quick: { type: "boolean" },
      json: { type: "string" },
      page: { type: "string" },
      profile: { type: "string" },
      rounds: { type: "string" },
      loads: { type: "string" },
      seed: { type: "string" },
    },
  });
}

/** @returns the number, undefined where none was given, or what is wrong */
function integerIn(option: string, text: string | undefined, min: number, max: number): number | string | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  return `${option} must be an integer in [${min}, ${max}]`;
}
