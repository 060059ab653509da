/** Milliseconds to the microsecond: clocks tell no more, and each number would be up to twelve digits longer on the wire. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
