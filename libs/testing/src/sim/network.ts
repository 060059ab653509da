/** What a simulated network does to frames. Shares are probabilities in [0, 1], times are milliseconds. */
export interface NetworkConditions {
  /** How long a frame travels; called once for each copy. */
  readonly latencyMs: (random: () => number) => number;
  /** Share of frames that are lost. */
  readonly loss: number;
  /** Share of frames that arrive twice. */
  readonly duplicates: number;
  /** Share of frames that are held back, so that later ones overtake them. */
  readonly reordering: number;
  /** How long those are held back at most. */
  readonly heldBackMsMax: number;
}

export const calm: NetworkConditions = { latencyMs: () => 1, loss: 0, duplicates: 0, reordering: 0, heldBackMsMax: 0 };

/** @returns latencies spread evenly over [min, max) */
export function evenly(minMs: number, maxMs: number): NetworkConditions["latencyMs"] {
  return (random) => minMs + random() * (maxMs - minMs);
}

/** Faults that hit frames, by kind. */
export type FrameFault = "lost" | "duplicated" | "reordered" | "blocked" | "undeliverable";

/** Directed paths that are cut, and what happens to a frame on one that is not. */
export class SimulatedNetwork {
  readonly #random: () => number;
  readonly #count: (fault: FrameFault) => void;
  readonly #cuts: { readonly from: ReadonlySet<string>; readonly to: ReadonlySet<string> }[] = [];
  conditions: NetworkConditions;

  constructor(conditions: NetworkConditions, random: () => number, count: (fault: FrameFault) => void) {
    this.conditions = conditions;
    this.#random = random;
    this.#count = count;
  }

  /** Frames from one side to the other are lost from now on; the other way they still come. */
  cut(from: readonly string[], to: readonly string[]): void {
    this.#cuts.push({ from: new Set(from), to: new Set(to) });
  }

  /** Ends all cuts. */
  heal(): void {
    this.#cuts.length = 0;
  }

  /** @returns how long each copy that arrives travels; none where the frame is lost */
  copiesOf(from: string, to: string): number[] {
    const { loss, duplicates } = this.conditions;
    if (this.#cuts.some((cut) => cut.from.has(from) && cut.to.has(to))) return this.#lose("blocked");
    if (loss > 0 && this.#random() < loss) return this.#lose("lost");
    if (duplicates === 0 || this.#random() >= duplicates) return [this.#travelMs()];
    this.#count("duplicated");
    return [this.#travelMs(), this.#travelMs()];
  }

  #lose(fault: FrameFault): number[] {
    this.#count(fault);
    return [];
  }

  #travelMs(): number {
    const { latencyMs, reordering, heldBackMsMax } = this.conditions;
    const ms = Math.max(0, latencyMs(this.#random));
    if (reordering === 0 || this.#random() >= reordering) return ms;
    this.#count("reordered");
    return ms + this.#random() * heldBackMsMax;
  }
}
