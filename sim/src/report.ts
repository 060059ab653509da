import type { Outcome, SimSuite, Values } from "./suite.ts";

export interface Violation {
  readonly seed: number;
  readonly what: string;
  /** The command that shows it again. */
  readonly replay: string;
}

export interface Report {
  readonly sim: string;
  readonly runs: number;
  readonly violations: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly told: readonly Violation[];
}

const TOLD_MAX = 20;

export function replayCommand(suite: SimSuite, values: Values, seed: number): string {
  const given = Object.entries(values).filter(([name, value]) => value !== suite.options[name]?.default);
  return ["npm run sim --", suite.name, ...given.map(([name, value]) => `--${name} ${value}`), `--seed ${seed}`].join(" ");
}

/** Adds up the runs of a suite, one after the other. */
export class Tally {
  readonly #suite: SimSuite;
  readonly #values: Values;
  readonly #faults: Record<string, number> = {};
  readonly #measured: Readonly<Record<string, number>>[] = [];
  readonly #told: Violation[] = [];
  #violations = 0;

  constructor(suite: SimSuite, values: Values) {
    this.#suite = suite;
    this.#values = values;
  }

  get violations(): number {
    return this.#violations;
  }

  add(seed: number, { violations, faults, measured }: Outcome): void {
    this.#measured.push(measured);
    for (const [kind, count] of Object.entries(faults)) this.#faults[kind] = (this.#faults[kind] ?? 0) + count;
    this.#violations += violations.length;
    const replay = replayCommand(this.#suite, this.#values, seed);
    for (const what of violations.slice(0, TOLD_MAX - this.#told.length)) this.#told.push({ seed, what, replay });
  }

  report(): Report {
    return {
      sim: this.#suite.name,
      runs: this.#measured.length,
      violations: this.#violations,
      faults: this.#faults,
      figures: this.#suite.figures(this.#measured, this.#values),
      told: this.#told,
    };
  }
}

/** One line; the figures stand beside the rest, by name. */
export function jsonOf({ sim, runs, violations, faults, figures, told }: Report): string {
  return `${JSON.stringify({ sim, runs, violations, faults, ...figures, told })}\n`;
}

export function textOf({ sim, runs, violations, faults, figures, told }: Report): string {
  const rows = [
    ...Object.entries(figures).map(([name, value]) => [name, Number.isInteger(value) ? String(value) : value.toFixed(2)]),
    ...Object.entries(faults)
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => [`frames or processes ${kind}`, String(count)]),
  ];
  const width = Math.max(0, ...rows.map(([name = ""]) => name.length));
  return [
    `${sim}: ${runs} runs, ${violations} violations`,
    ...rows.map(([name = "", value = ""]) => `  ${name.padEnd(width)}  ${value}`),
    ...told.flatMap(({ seed, what, replay }) => [`violated with seed ${seed}: ${what}`, `  ${replay}`]),
    "",
  ].join("\n");
}
