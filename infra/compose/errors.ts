/** How the test ends other than well. */

/** Something that has to hold does not. `output` is what a tool said about it. */
export class CheckError extends Error {
  readonly output: string;

  constructor(message: string, output = "") {
    super(message);
    this.output = output;
  }
}

/** This machine cannot run the test; the message says what it lacks. */
export class SkipError extends Error {
  readonly output: string;

  constructor(message: string, output = "") {
    super(message);
    this.output = output;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
