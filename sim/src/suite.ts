/** What a simulation of one kind is: a run for each seed, and figures over all of them. */

export interface NumberOption {
  readonly summary: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Default: integers only. */
  readonly isFraction?: boolean;
}

export type Values<Name extends string = string> = Readonly<Record<Name, number>>;

export interface Outcome {
  /** What must never happen and did, each in one line. */
  readonly violations: readonly string[];
  /** How many faults of each kind landed. */
  readonly faults: Readonly<Record<string, number>>;
  /** What was measured, by name. */
  readonly measured: Readonly<Record<string, number>>;
  readonly transcript: string;
}

export interface SimSuite<Name extends string = string> {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<Name, NumberOption>>;
  /** What the options do not say together. @returns what is wrong with them, for people */
  readonly refuse?: (values: Values<Name>) => string | undefined;
  /** One run; the same seed and values give the same outcome, to the last byte of the transcript. */
  readonly run: (seed: number, values: Values<Name>, withTranscript: boolean) => Outcome;
  /** The figures over all runs, by name, with the unit in the name. */
  readonly figures: (
    measured: readonly Readonly<Record<string, number>>[],
    values: Values<Name>,
  ) => Readonly<Record<string, number>>;
}
