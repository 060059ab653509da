import type { SwimOptions } from "./options.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Prober } from "./prober.ts";
import type { View } from "./view.ts";

/**
 * How members find each other: joining by the whole list of one who is in, comparing lists now and then, and trying those again
 * who were lost.
 */
export interface ExchangeCounts {
  /** Whole lists that were sent. */
  lists: number;
  /** Asked for while as many had been sent as a second may see. */
  listsRefused: number;
}

/** Of the peers that are asked to let this node in, those at a time; of those who hear an announcement, those who answer. */
const ASKED = 3;
/** Peers that are remembered for later; beyond, the newest are left out. */
const SEEDS_MAX = 32;
const SECOND_MS = 1_000;

export class Exchange {
  readonly counts: ExchangeCounts = { lists: 0, listsRefused: 0 };
  readonly #options: SwimOptions;
  readonly #view: View;
  readonly #out: Outgoing;
  readonly #prober: Prober;
  readonly #random: () => number;
  readonly #seeds = new Set<string>();
  #joinMs: number;
  #syncMs: number;
  #retryMs: number;
  #healMs = 0;
  #second = { fromMs: 0, lists: 0 };

  constructor(options: SwimOptions, parts: { view: View; out: Outgoing; prober: Prober }, random: () => number, nowMs: number) {
    this.#options = options;
    this.#view = parts.view;
    this.#out = parts.out;
    this.#prober = parts.prober;
    this.#random = random;
    this.#joinMs = nowMs;
    this.#syncMs = nowMs + random() * options.syncEveryMs;
    this.#retryMs = nowMs + random() * options.retryEveryMs;
  }

  get dueMs(): number {
    return Math.min(this.#syncMs, this.#retryMs, this.#isAlone && this.#seeds.size > 0 ? this.#joinMs : Number.POSITIVE_INFINITY);
  }

  /** Peers by whom to get in; asked at once where this node knows nobody. */
  join(peers: readonly string[], nowMs: number): void {
    for (const peer of peers.slice(0, SEEDS_MAX))
      if (peer !== this.#view.self.id && this.#seeds.size < SEEDS_MAX) this.#seeds.add(peer);
    if (this.#isAlone) this.#joinMs = nowMs;
  }

  /** Somebody said to all that it is there. Everybody hears it; a few are enough to answer. */
  announced(id: string, nowMs: number): void {
    if (id === this.#view.self.id || this.#view.table.get(id)?.state === "alive") return;
    if (this.#random() * this.#view.table.present < ASKED) this.#ask(id, nowMs);
  }

  wake(nowMs: number): void {
    if (this.#isAlone && this.#seeds.size > 0 && nowMs >= this.#joinMs) {
      this.#joinMs = nowMs + this.#options.joinEveryMs;
      for (const seed of this.#some([...this.#seeds], ASKED)) this.#ask(seed, nowMs);
    }
    if (nowMs >= this.#syncMs) {
      this.#syncMs = nowMs + this.#options.syncEveryMs * (0.5 + this.#random());
      for (const peer of this.#view.order.sample(1)) this.#ask(peer, nowMs);
    }
    if (nowMs >= this.#retryMs) {
      this.#retryMs = nowMs + this.#options.retryEveryMs * (0.5 + this.#random());
      this.#retry(nowMs);
    }
  }

  onSync(from: string, digest: number, back: boolean, nowMs: number): void {
    if (digest === this.#view.table.digest) return;
    if (nowMs - this.#second.fromMs >= SECOND_MS) this.#second = { fromMs: nowMs, lists: 0 };
    if (this.#second.lists >= this.#options.listsPerSecondMax) return void this.counts.listsRefused++;
    this.#second.lists++;
    this.counts.lists++;
    this.#out.list(from, nowMs);
    if (back) this.#ask(from, nowMs, false);
  }

  /** One that was dead speaks: it and this node have different stories, which are exchanged; one such in a second is enough. */
  returned(id: string, nowMs: number): void {
    if (nowMs < this.#healMs) return;
    this.#healMs = nowMs + SECOND_MS;
    this.#ask(id, nowMs);
  }

  get #isAlone(): boolean {
    return this.#view.order.size === 0;
  }

  #ask(id: string, nowMs: number, back = true): void {
    this.#out.send(id, { kind: "sync", digest: this.#view.table.digest, back }, nowMs);
  }

  /** M8: one of the dead, or of the seeds that are not there. Who has left stays so. */
  #retry(nowMs: number): void {
    const { table } = this.#view;
    const dead = [...table.tombstones].filter((id) => table.get(id)?.state === "dead");
    const absent = [...this.#seeds].filter((id) => table.get(id) === undefined);
    for (const id of this.#some([...dead, ...absent], 1)) {
      if (table.get(id) === undefined) this.#ask(id, nowMs);
      else this.#prober.knock(id, nowMs);
    }
  }

  #some(ids: string[], count: number): string[] {
    const chosen: string[] = [];
    while (chosen.length < count && ids.length > 0) {
      chosen.push(...ids.splice(Math.min(ids.length - 1, Math.floor(this.#random() * ids.length)), 1));
    }
    return chosen;
  }
}
