import { NexusError } from "@nexus/contracts";

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** What it counts. */
  readonly of: "milliseconds" | "seconds" | "a whole number";
}

/** An option's value as it was typed; seconds may have a fraction. @throws NexusError `invalid-field` that names the option */
export function numberOption(name: string, text: string, { min, max, of }: NumberRange): number {
  const value = Number(text);
  const isOne = text.trim() !== "" && (of === "seconds" || Number.isInteger(value));
  if (isOne && value >= min && value <= max) return value;
  const message = `--${name} must be ${of}, ${min} to ${max}, not "${text.slice(0, 64)}"`;
  throw new NexusError("invalid-field", message, { field: name });
}
