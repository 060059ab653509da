import type { Meta, Update } from "./frames.ts";
import type { LocalHealth } from "./local-health.ts";
import { type Change, type Member, MemberTable } from "./member-table.ts";
import type { SwimOptions } from "./options.ts";
import { ProbeOrder } from "./probe-order.ts";
import { Rumours } from "./rumours.ts";
import { Suspicions } from "./suspicions.ts";
import { isTombstone } from "./update-order.ts";

/** What one node holds of all members, itself included, and what it makes of news. The invariants are those of swim.ts. */
export interface ViewCounts {
  /** Updates that claimed an incarnation out of any reason. */
  implausible: number;
  /** Accusations of this node that it denied. */
  refutations: number;
  /** Members that this node itself declared dead. */
  convictions: number;
  /** "dead" that was taken for a suspicion first. */
  doubted: number;
}

const TO_ANSWER_MAX = 16;

export interface Life {
  readonly id: string;
  readonly meta: Meta;
  /** Wall clock at its start, the first incarnation. */
  readonly epochMs: number;
  readonly startMs: number;
}

export class View {
  readonly table: MemberTable;
  readonly suspicions: Suspicions;
  readonly rumours = new Rumours();
  readonly order: ProbeOrder;
  readonly counts: ViewCounts = { implausible: 0, refutations: 0, convictions: 0, doubted: 0 };
  /** Who has to hear of a refutation at once. */
  readonly toAnswer = new Set<string>();
  readonly #options: SwimOptions;
  readonly #random: () => number;
  readonly #health: LocalHealth;
  readonly #life: Life;
  #changes: Change[] = [];
  #self: Update;

  constructor(options: SwimOptions, random: () => number, health: LocalHealth, life: Life) {
    this.#options = options;
    this.#random = random;
    this.#health = health;
    this.#life = life;
    this.table = new MemberTable(options);
    this.suspicions = new Suspicions({ ...options, knockMs: 2 * options.pingTimeoutMs }, life.id);
    this.order = new ProbeOrder(random);
    this.#self = { id: life.id, incarnation: Math.floor(life.epochMs), state: "alive", meta: life.meta };
    this.#sayOfSelf(this.#self, life.startMs);
  }

  get self(): Update {
    return this.#self;
  }

  /** ⌈λ·log2(n + 1)⌉ */
  get sendsMax(): number {
    return Math.ceil(this.#options.spreadFactor * Math.log2(this.table.present + 1));
  }

  takeChanges(): readonly Change[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** Takes news in that `from` brought. */
  hear(update: Update, from: string, nowMs: number): void {
    if (!this.#isPlausible(update, nowMs)) return void this.counts.implausible++; // M7
    if (update.id === this.#self.id) return this.#hearOfSelf(update, from, nowMs);
    const known = this.table.get(update.id);
    const accusers = this.#accusersOf(update, from);
    this.#take(this.#isDoubted(update, known, nowMs) ? { ...update, state: "suspect" } : update, accusers, nowMs);
  }

  /** A probe of this node failed. */
  accuse(id: string, nowMs: number): void {
    const member = this.table.get(id);
    if (member === undefined || isTombstone(member.state)) return;
    this.#take({ ...updateOf(member), state: "suspect" }, [this.#self.id], nowMs);
  }

  /** Declares those dead who did not deny in time. @returns whom to knock at */
  convict(nowMs: number): readonly string[] {
    const { ended, knocks } = this.suspicions.due(nowMs);
    for (const id of ended) {
      const member = this.table.get(id);
      this.suspicions.clear(id);
      if (member?.state !== "suspect") continue;
      this.counts.convictions++;
      this.#take({ ...updateOf(member), state: "dead" }, [], nowMs); // M2
    }
    return knocks;
  }

  /** The last word of this node: it has left. */
  leave(nowMs: number): void {
    this.#sayOfSelf({ ...this.#self, state: "left", ageMs: 0 }, nowMs);
  }

  forgetExpired(nowMs: number): void {
    for (const change of this.table.expire(nowMs)) this.#note(change);
  }

  /** M6 */
  forgetAll(): void {
    for (const change of this.table.forgetAllBut(this.#self.id)) this.#note(change);
    this.rumours.add(this.#self.id);
  }

  /** What is held of a member now, as others are told. */
  tell(id: string, nowMs: number): Update | undefined {
    const member = this.table.get(id);
    if (member === undefined) return undefined;
    const update = updateOf(member);
    if (member.state === "alive") return update;
    if (member.state === "suspect") return { ...update, by: this.suspicions.accusersOf(id) };
    return { ...update, ageMs: Math.max(0, Math.floor(nowMs - member.sinceMs)) };
  }

  /** News to send once. */
  takeNews(max: number, nowMs: number): Update[] {
    const updates = this.rumours.take(max, this.sendsMax).map((id) => this.tell(id, nowMs));
    return updates.filter((update) => update !== undefined);
  }

  #take(update: Update, accusers: readonly string[], nowMs: number): void {
    const { id, incarnation, state } = update;
    const merged = this.table.merge(update, nowMs);
    if (merged.kind === "refused") return;
    if (state !== "suspect") {
      if (merged.kind === "known") return;
    } else {
      const member = this.table.get(id);
      if (member?.state !== "suspect" || member.incarnation !== incarnation) return;
      const isFirst = merged.kind === "taken";
      if (!this.suspicions.suspect(id, incarnation, accusers, this.table.present, nowMs) && !isFirst) return;
      if (isFirst && !accusers.includes(this.#self.id)) this.#lookAfter(id);
    }
    this.rumours.add(id);
    if (merged.kind === "taken") for (const change of merged.changes) this.#note(change);
  }

  /** A second opinion is wanted of K others, and soon: each one gives it with the probability that makes about as many. */
  #lookAfter(id: string): void {
    const wanted = this.#options.confirmations;
    if (wanted > 0 && this.#random() * this.table.present < wanted + 1) this.order.putFirst(id);
  }

  #note(change: Change): void {
    this.#changes.push(change);
    if (change.to === "alive" || change.to === "suspect") this.order.add(change.id);
    else this.order.remove(change.id);
    if (change.to !== "suspect") this.suspicions.clear(change.id);
    if (change.to === "unknown") this.rumours.drop(change.id);
  }

  /**
   * M3: whoever is convicted has been suspected for a while, everywhere. Where that was never heard of, "dead" comes from the
   * other side of a partition, or very late, and the member is given the time to deny it.
   */
  #isDoubted(update: Update, known: Member | undefined, nowMs: number): boolean {
    if (update.state !== "dead" || known === undefined || isTombstone(known.state)) return false;
    if (update.incarnation < known.incarnation) return false;
    const isSuspect = known.state === "suspect" && known.incarnation === update.incarnation;
    const suspectMs = isSuspect ? this.suspicions.ageOf(update.id, nowMs) : 0;
    if (isSuspect && suspectMs >= this.suspicions.minMs(this.table.present) / 2) return false;
    this.counts.doubted++;
    return true;
  }

  /** Only members that are there, and not the accused, can have seen anything; the one who tells it vouches for a "dead". */
  #accusersOf(update: Update, from: string): readonly string[] {
    const named = update.state === "suspect" ? (update.by ?? []) : [from];
    return named.filter((id) => id !== update.id && this.table.get(id)?.state === "alive");
  }

  #hearOfSelf(update: Update, from: string, nowMs: number): void {
    const { incarnation } = this.#self;
    if (this.#self.state === "left" || update.incarnation < incarnation) return;
    if (update.state === "alive" && update.incarnation === incarnation) return;
    // M4: whatever claims to be as new as this life, or newer, is of an earlier life or an accusation.
    this.#sayOfSelf({ ...this.#self, incarnation: update.incarnation + 1 }, nowMs);
    if (update.state !== "suspect" && update.state !== "dead") return;
    this.counts.refutations++;
    this.#health.fail();
    for (const id of [from, ...(update.by ?? [])]) {
      const isOther = id !== this.#self.id && this.table.get(id) !== undefined;
      if (isOther && this.toAnswer.size < TO_ANSWER_MAX) this.toAnswer.add(id);
    }
  }

  #sayOfSelf(self: Update, nowMs: number): void {
    this.#self = self;
    this.table.merge(self, nowMs);
    this.rumours.add(self.id);
  }

  #isPlausible({ incarnation, state }: Update, nowMs: number): boolean {
    const wallMs = this.#life.epochMs + (nowMs - this.#life.startMs);
    return incarnation - wallMs <= this.#options.aheadMsMax * (state === "alive" ? 2 : 1);
  }
}

function updateOf({ id, incarnation, state, meta }: Member): Update {
  return { id, incarnation, state, meta };
}
