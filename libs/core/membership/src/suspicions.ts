import { swimLimits } from "./frames.ts";

/**
 * Who is suspected, by whom, and until when (Lifeguard §IV-B). A suspicion begins with a long timeout, and each member that
 * comes to it independently shortens it:
 *
 *   max(min, max − (max − min)·log(C + 1) / log(K + 1))   with C confirmations of the K that are wanted
 *
 * so that the word of one, who may be the one that is ill, convicts nobody quickly. There are never more than members.
 */
export interface SuspicionOptions {
  readonly suspicionMinMs: number;
  readonly suspicionMaxFactor: number;
  readonly confirmations: number;
  /** How long before the end those who accuse by a probe of their own knock once more. */
  readonly knockMs: number;
}

interface Suspicion {
  readonly id: string;
  readonly incarnation: number;
  startMs: number;
  endMs: number;
  readonly by: Set<string>;
  /** This node's own probe is among the evidence, and it has not knocked yet. */
  knocks: boolean;
  postponed: number;
}

/**
 * A node that pauses all the time would otherwise convict nobody, ever. What a living member says to deny it comes in between
 * two pauses of so many.
 */
const POSTPONED_MAX = 8;

/** Up to this many members the shortest timeout is the same. */
const FLAT_UP_TO = 50;

export class Suspicions {
  readonly #options: SuspicionOptions;
  readonly #self: string;
  readonly #byId = new Map<string, Suspicion>();
  /** Earliest of all ends and knocks; undefined where it has to be found again. */
  #dueMs: number | undefined;

  constructor(options: SuspicionOptions, self: string) {
    this.#options = options;
    this.#self = self;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** When the next one ends or is to be knocked at. */
  get dueMs(): number {
    if (this.#dueMs === undefined) {
      this.#dueMs = Number.POSITIVE_INFINITY;
      for (const suspicion of this.#byId.values()) this.#dueMs = Math.min(this.#dueMs, this.#dueOf(suspicion));
    }
    return this.#dueMs;
  }

  accusersOf(id: string): readonly string[] {
    return [...(this.#byId.get(id)?.by ?? [])];
  }

  /** How long this incarnation has been suspected, less the time in which this node saw nothing. */
  ageOf(id: string, nowMs: number): number {
    return nowMs - (this.#byId.get(id)?.startMs ?? nowMs);
  }

  /** The shortest timeout among so many members. */
  minMs(members: number): number {
    return this.#options.suspicionMinMs * Math.max(1, Math.log(members) / Math.log(FLAT_UP_TO));
  }

  /**
   * Begins a suspicion, or adds accusers to it; a higher incarnation begins anew.
   * @returns whether it or an accuser was new, so that it is worth telling
   */
  suspect(id: string, incarnation: number, by: readonly string[], members: number, nowMs: number): boolean {
    let suspicion = this.#byId.get(id);
    const isNew = suspicion === undefined || suspicion.incarnation !== incarnation;
    if (suspicion === undefined || isNew) {
      suspicion = { id, incarnation, startMs: nowMs, endMs: 0, by: new Set(), knocks: false, postponed: 0 };
      this.#byId.set(id, suspicion);
    }
    const before = suspicion.by.size;
    const wanted = this.#wanted(members);
    for (const accuser of by) {
      if (suspicion.by.has(accuser) || suspicion.by.size > wanted) continue;
      suspicion.by.add(accuser);
      if (accuser === this.#self) suspicion.knocks = true;
    }
    if (!isNew && suspicion.by.size === before) return false;
    suspicion.endMs = suspicion.startMs + this.#timeoutMs(suspicion.by.size - 1, wanted, members);
    this.#dueMs = undefined;
    return true;
  }

  clear(id: string): void {
    if (this.#byId.delete(id)) this.#dueMs = undefined;
  }

  /** Those whose time is up, and those to be knocked at; the former stay until they are cleared. O(suspicions) if any is due. */
  due(nowMs: number): { readonly ended: readonly string[]; readonly knocks: readonly string[] } {
    const [ended, knocks]: [string[], string[]] = [[], []];
    if (nowMs < this.dueMs) return { ended, knocks };
    for (const suspicion of this.#byId.values()) {
      if (suspicion.endMs <= nowMs) ended.push(suspicion.id);
      else if (suspicion.knocks && suspicion.endMs - this.#options.knockMs <= nowMs) {
        suspicion.knocks = false;
        knocks.push(suspicion.id);
      }
    }
    this.#dueMs = undefined;
    return { ended, knocks };
  }

  /** Moves all by a time in which this node saw nothing; each a few times at most. */
  postpone(byMs: number): void {
    for (const suspicion of this.#byId.values()) {
      if (suspicion.postponed++ >= POSTPONED_MAX) continue;
      suspicion.startMs += byMs;
      suspicion.endMs += byMs;
    }
    this.#dueMs = undefined;
  }

  #dueOf({ endMs, knocks }: Suspicion): number {
    return knocks ? endMs - this.#options.knockMs : endMs;
  }

  #wanted(members: number): number {
    return Math.max(0, Math.min(this.#options.confirmations, members - 2, swimLimits.accusersMax - 1));
  }

  #timeoutMs(confirmed: number, wanted: number, members: number): number {
    const minMs = this.minMs(members);
    if (wanted === 0) return minMs;
    const maxMs = minMs * this.#options.suspicionMaxFactor;
    const share = Math.log(Math.max(0, confirmed) + 1) / Math.log(wanted + 1);
    return Math.max(minMs, maxMs - (maxMs - minMs) * share);
  }
}
