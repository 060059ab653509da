import { dotLimits, isSeq, sessionPattern } from "./dot.ts";

/**
 * A vector clock (Fidge 1988, Mattern 1989): for every line of operations, how many of it have happened. Immutable.
 *
 * Invariants
 * V1. An entry is a count of at least 1; a line without an entry stands at 0, so equal clocks have equal entries.
 * V2. No clock has more than `entriesMax` entries, and no count is above `seqMax`: what would go beyond is refused.
 * V3. `merge` is commutative, associative and idempotent, and no entry of its result is below one of its parts.
 *
 * A line is a session, or one of several that a session carries on at the same time: `<session>` for the first, which is
 * lane 0, `<session>.<lane>` for the others. With one line for each session nothing that it does could be concurrent.
 */

export type Causality = "before" | "after" | "equal" | "concurrent";

export const clockLimits = { entriesMax: 512, laneMax: 999_999 } as const;

const lanePattern = /^(?:0|[1-9][0-9]{0,5})$/;
/** Of one session: its counts by lane, such as `router-1:5,2.g`. */
const SESSIONS = ";";
const COUNTS = ",";
const RADIX = 36;

export class VectorClock {
  static readonly zero = new VectorClock(new Map());
  readonly #counts: ReadonlyMap<string, number>;

  private constructor(counts: ReadonlyMap<string, number>) {
    this.#counts = counts;
  }

  /** @throws RangeError for a line that is none, a count that is none or 0, a line that comes twice, too many entries */
  static of(entries: Iterable<readonly [line: string, count: number]>): VectorClock {
    const counts = new Map<string, number>();
    for (const [line, count] of entries) {
      if (!isLine(line)) throw new RangeError(`a clock has no entry for ${JSON.stringify(String(line).slice(0, 80))}`);
      if (!isSeq(count, 1)) throw new RangeError(`a clock counts in [1, ${dotLimits.seqMax}], not ${count}`);
      if (counts.has(line)) throw new RangeError(`a clock has one entry for ${line}`);
      counts.set(line, count);
      checkSize(counts); // before a peer's list can grow further
    }
    return new VectorClock(counts);
  }

  get size(): number {
    return this.#counts.size;
  }

  count(line: string): number {
    return this.#counts.get(line) ?? 0;
  }

  /** Lines with their counts, sorted by line. */
  entries(): [line: string, count: number][] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** This clock with one more of `line`, or with `count` of it. @throws RangeError beyond a bound, or where it would go back */
  tick(line: string, count = this.count(line) + 1): VectorClock {
    if (!isLine(line) || !isSeq(count, 1) || count <= this.count(line)) {
      throw new RangeError(`${line} cannot tick from ${this.count(line)} to ${count}`);
    }
    return new VectorClock(checkSize(new Map(this.#counts).set(line, count)));
  }

  /** The least clock that is not before either. @throws RangeError where it would have too many entries */
  merge(other: VectorClock): VectorClock {
    const counts = new Map(this.#counts);
    for (const [line, count] of other.#counts) if (count > this.count(line)) counts.set(line, count);
    return new VectorClock(checkSize(counts));
  }

  /** Where this clock is, seen from `other`. */
  compare(other: VectorClock): Causality {
    const within = this.isWithin(other);
    const around = other.isWithin(this);
    if (within && around) return "equal";
    return within ? "before" : around ? "after" : "concurrent";
  }

  /** Whether everything that this clock counts has happened at `other`. */
  isWithin(other: VectorClock): boolean {
    for (const [line, count] of this.#counts) if (count > other.count(line)) return false;
    return true;
  }

  /** The same text for equal clocks: sessions in order, each with its counts by lane in base 36. */
  encode(): string {
    const sessions = new Map<string, string[]>();
    for (const [line, count] of this.entries()) {
      const [session = "", lane] = line.split(".");
      const text = lane === undefined ? count.toString(RADIX) : `${lane}.${count.toString(RADIX)}`;
      sessions.set(session, [...(sessions.get(session) ?? []), text]);
    }
    return [...sessions].map(([session, counts]) => `${session}:${counts.join(COUNTS)}`).join(SESSIONS);
  }

  /** @throws RangeError for what `encode` does not write */
  static decode(text: string): VectorClock {
    if (text === "") return VectorClock.zero;
    const clock = VectorClock.of(entriesIn(text));
    if (clock.encode() !== text) throw new RangeError("a clock's text is written in one way only");
    return clock;
  }
}

/** The line of a session's lane; lane 0 has the session's own name. */
export function lineOf(session: string, lane: number): string {
  return lane === 0 ? session : `${session}.${lane}`;
}

function isLine(line: unknown): line is string {
  if (typeof line !== "string") return false;
  const [session = "", lane, ...more] = line.split(".");
  return sessionPattern.test(session) && more.length === 0 && (lane === undefined || (lane !== "0" && lanePattern.test(lane)));
}

function checkSize(counts: Map<string, number>): Map<string, number> {
  if (counts.size > clockLimits.entriesMax) throw new RangeError(`a clock has at most ${clockLimits.entriesMax} entries`);
  return counts;
}

/** One at a time: of a text with too many the rest is not read. */
function* entriesIn(text: string): Generator<[string, number]> {
  for (const part of text.split(SESSIONS, clockLimits.entriesMax + 1)) {
    const colon = part.indexOf(":");
    const session = part.slice(0, colon);
    if (colon < 0) throw new RangeError(`no counts in ${JSON.stringify(part.slice(0, 80))}`);
    for (const count of part.slice(colon + 1).split(COUNTS, clockLimits.entriesMax + 1)) {
      const [first = "", second] = count.split(".");
      if (second === undefined) yield [session, countIn(first)];
      else yield [`${session}.${first}`, countIn(second)];
    }
  }
}

function countIn(text: string): number {
  return /^[1-9a-z][0-9a-z]{0,9}$/.test(text) ? Number.parseInt(text, RADIX) : Number.NaN;
}
