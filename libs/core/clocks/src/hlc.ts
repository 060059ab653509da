/**
 * A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): stamps that follow the wall clock, never go
 * back, and order whatever one process has heard of before what it says afterwards. Pure: the wall clock is an argument.
 *
 * Invariants
 * H1. Every stamp of `now` is above all stamps that this clock has given or observed.
 * H2. A stamp that is too far ahead of the own wall clock, or is none at all, is refused and changes nothing: one peer with a
 *     wrong clock must not drag the time of all others along.
 * H3. Two processes may give equal stamps: whoever needs one order of all breaks the tie by the origin's id.
 */

export interface HlcStamp {
  /** Milliseconds since 1970 (UTC), at most `wallMsMax`. */
  readonly wallMs: number;
  /** Among the stamps of one millisecond, at most `counterMax`. */
  readonly counter: number;
}

export interface HlcOptions {
  /** How far a peer's stamp may be ahead of the own wall clock. */
  readonly aheadMsMax: number;
}

export type Observed = "ok" | "too-far-ahead" | "invalid";

const WALL_DIGITS = 9;
const COUNTER_DIGITS = 4;
const RADIX = 36;
const ENCODED = /^[0-9a-z]{9}[0-9a-z]{4}$/;

export const hlcLimits = {
  /** In the year 5188; nine digits of base 36. */
  wallMsMax: RADIX ** WALL_DIGITS - 1,
  counterMax: 65_535,
} as const;

export const hlcDefaults: HlcOptions = { aheadMsMax: 10_000 };

export class Hlc {
  readonly #options: HlcOptions;
  #last: HlcStamp;

  /** @param last what an earlier life is known to have reached; its stamps stay below those of this one */
  constructor(options: Partial<HlcOptions> = {}, last: HlcStamp = { wallMs: 0, counter: 0 }) {
    this.#options = { ...hlcDefaults, ...options };
    if (!isHlcStamp(last)) throw new RangeError("the last stamp of a hybrid clock is none");
    this.#last = last;
  }

  /** The highest stamp that was given or observed. */
  get last(): HlcStamp {
    return this.#last;
  }

  /** A stamp above all others known (H1). @param epochMs the wall clock; where it went back, the counter goes on */
  now(epochMs: number): HlcStamp {
    const wallMs = wallOf(epochMs);
    this.#last = wallMs > this.#last.wallMs ? { wallMs, counter: 0 } : after(this.#last);
    return this.#last;
  }

  /** Takes a peer's stamp in; what is not `ok` is refused (H2). */
  observe(stamp: HlcStamp, epochMs: number): Observed {
    if (!isHlcStamp(stamp)) return "invalid";
    if (stamp.wallMs - wallOf(epochMs) > this.#options.aheadMsMax) return "too-far-ahead";
    if (compareHlc(stamp, this.#last) > 0) this.#last = { wallMs: stamp.wallMs, counter: stamp.counter };
    return "ok";
  }
}

/** Below 0 where `a` is before `b`, above where it is after, 0 where they are equal (H3). */
export function compareHlc(a: HlcStamp, b: HlcStamp): number {
  return a.wallMs - b.wallMs || a.counter - b.counter;
}

/** Thirteen characters, whose order as text is that of the stamps. @throws RangeError for what is no stamp */
export function encodeHlc(stamp: HlcStamp): string {
  if (!isHlcStamp(stamp)) throw new RangeError("no stamp of a hybrid clock");
  return digits(stamp.wallMs, WALL_DIGITS) + digits(stamp.counter, COUNTER_DIGITS);
}

/** Undefined for what `encodeHlc` does not write. */
export function decodeHlc(text: string): HlcStamp | undefined {
  if (!ENCODED.test(text)) return undefined;
  const stamp = {
    wallMs: Number.parseInt(text.slice(0, WALL_DIGITS), RADIX),
    counter: Number.parseInt(text.slice(WALL_DIGITS), RADIX),
  };
  return isHlcStamp(stamp) ? stamp : undefined;
}

export function isHlcStamp({ wallMs, counter }: HlcStamp): boolean {
  return isCount(wallMs, hlcLimits.wallMsMax) && isCount(counter, hlcLimits.counterMax);
}

function after({ wallMs, counter }: HlcStamp): HlcStamp {
  if (counter < hlcLimits.counterMax) return { wallMs, counter: counter + 1 };
  if (wallMs >= hlcLimits.wallMsMax) throw new RangeError("a hybrid clock has come to its end");
  return { wallMs: wallMs + 1, counter: 0 };
}

function wallOf(epochMs: number): number {
  const wallMs = Math.floor(epochMs);
  if (!isCount(wallMs, hlcLimits.wallMsMax)) throw new RangeError(`no wall clock shows ${epochMs} ms since 1970`);
  return wallMs;
}

function isCount(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}

function digits(value: number, count: number): string {
  return value.toString(RADIX).padStart(count, "0");
}
