/** What a suite of faults at real processes is: a run that brings them about, and says what came of it. */

export interface NumberOption {
  readonly summary: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export type Values<Name extends string = string> = Readonly<Record<Name, number>>;

export interface Outcome {
  /** What must never happen and did, each in one line. */
  readonly violations: readonly string[];
  /** How many faults of each kind landed. */
  readonly faults: Readonly<Record<string, number>>;
  /** What was measured, by name, with the unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Watch {
  /** One line for people. */
  readonly progress: (line: string) => void;
  /** Aborted when somebody has had enough: a run ends its processes and throws the reason. */
  readonly signal: AbortSignal;
}

export interface ChaosSuite<Name extends string = string> {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<Name, NumberOption>>;
  /** Ends every process that it started, whatever comes. */
  readonly run: (values: Values<Name>, watch: Watch) => Promise<Outcome>;
}
