import { NexusError } from "./errors.ts";

/** Digits of the largest double; a number with fewer and without an exponent is finite. */
const DOUBLE_DIGITS_MAX = 308;

/**
 * Counts the brackets of a JSON text outside its strings: one pass over the bytes, no allocation.
 * @returns whether a number may be beyond the doubles
 * @throws NexusError `too-deep`
 */
export function scanJson(bytes: Uint8Array, depthMax: number): { readonly mayOverflow: boolean } {
  let depth = 0;
  let digits = 0;
  let mayOverflow = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > DOUBLE_DIGITS_MAX) mayOverflow = true;
      continue;
    }
    if (digits > 0 && (byte === 0x65 || byte === 0x45)) mayOverflow = true; // an exponent
    digits = 0;
    if (byte === 0x22) i = endOfString(bytes, i);
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) throw tooDeep(depthMax);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { mayOverflow };
}

export function tooDeep(depthMax: number): NexusError {
  return new NexusError("too-deep", `nested deeper than ${depthMax}; flatten the document`);
}

/** The place of the quote that ends the string which begins at `from`. */
function endOfString(bytes: Uint8Array, from: number): number {
  let i = from + 1;
  while (i < bytes.length && bytes[i] !== 0x22) i += bytes[i] === 0x5c ? 2 : 1;
  return i;
}
