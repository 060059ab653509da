import { clampFinite } from "./merge.ts";

/** Small enough that no 2^64 finite numbers overflow; a power of two, so that scaling rounds nothing but subnormals. */
const SCALE = 2 ** -64;

/**
 * Neumaier's compensated sum (Neumaier 1974): the error does not grow with the number of terms, so that their order
 * matters to an ulp or so. Kept finite: a sum beyond the largest double is that double.
 */
export function sumOf(numbers: readonly number[]): number {
  const sum = compensated(numbers);
  return Number.isFinite(sum) ? sum : clampFinite(compensated(scaled(numbers)) / SCALE);
}

/** Finite even where the sum would not be. */
export function meanOf(numbers: readonly number[]): number {
  const sum = compensated(numbers);
  return Number.isFinite(sum) ? sum / numbers.length : compensated(scaled(numbers)) / numbers.length / SCALE;
}

function scaled(numbers: readonly number[]): number[] {
  return numbers.map((number) => number * SCALE);
}

function compensated(numbers: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const number of numbers) {
    const next = sum + number;
    lost += Math.abs(sum) >= Math.abs(number) ? sum - next + number : number - next + sum;
    sum = next;
  }
  return sum + lost;
}
