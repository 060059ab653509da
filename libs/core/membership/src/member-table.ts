import type { MemberState, Meta, Update } from "./frames.ts";
import { isTombstone, rankOf, supersedes } from "./update-order.ts";

/** A member as this node sees it. */
export interface Member {
  readonly id: string;
  readonly incarnation: number;
  readonly state: MemberState;
  /** When it came into this state, by this node's clock; of a tombstone, when it did so anywhere. */
  readonly sinceMs: number;
  readonly meta: Meta;
}

/** A change of state; `unknown` before it was heard of and after it was forgotten. */
export interface Change {
  readonly id: string;
  readonly from: MemberState | "unknown";
  readonly to: MemberState | "unknown";
  readonly incarnation: number;
}

export interface TableOptions {
  readonly membersMax: number;
  readonly tombstoneMs: number;
}

export type Merged =
  /** A higher incarnation alone is no change; a stranger may have pushed out a tombstone, which is another. */
  | { readonly kind: "taken"; readonly changes: readonly Change[] }
  | { readonly kind: "known" }
  /** A stranger for whom there is no room, or one who died so long ago that it is forgotten. */
  | { readonly kind: "refused" };

/**
 * All members that are remembered, by the order of updates alone. Bounded: at `membersMax`, a stranger who lives takes the
 * place of the tombstone that has been known longest; any other is refused. Both are counted.
 */
export class MemberTable {
  readonly #options: TableOptions;
  readonly #members = new Map<string, Member>();
  readonly #tombstones = new Set<string>();
  readonly #counts: Record<MemberState, number> = { alive: 0, suspect: 0, dead: 0, left: 0 };
  #digest = 0;
  #refused = 0;
  #evicted = 0;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Those who take part: alive or suspect. */
  get present(): number {
    return this.#counts.alive + this.#counts.suspect;
  }

  get counts(): Readonly<Record<MemberState, number>> {
    return this.#counts;
  }

  /** Strangers for whom there was no room. */
  get refused(): number {
    return this.#refused;
  }

  /** Tombstones that were forgotten before their time. */
  get evicted(): number {
    return this.#evicted;
  }

  /** The same for the same ids, incarnations and states, whatever the order in which they came; 32 bits. */
  get digest(): number {
    return this.#digest;
  }

  get tombstones(): ReadonlySet<string> {
    return this.#tombstones;
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  all(): IterableIterator<Member> {
    return this.#members.values();
  }

  /** Takes an update in if it supersedes what is known. */
  merge(update: Update, nowMs: number): Merged {
    const known = this.#members.get(update.id);
    if (known !== undefined && !supersedes(update, known)) return { kind: "known" };
    const isDead = isTombstone(update.state);
    const ageMs = isDead ? (update.ageMs ?? 0) : 0;
    const changes: Change[] = [];
    if (known === undefined && !this.#makeRoom(isDead, ageMs, changes)) return { kind: "refused" };
    const { id, incarnation, state, meta } = update;
    const sinceMs = known?.state === state && !isDead ? known.sinceMs : nowMs - Math.min(ageMs, this.#options.tombstoneMs);
    this.#put({ id, incarnation, state, meta, sinceMs });
    if (known?.state !== state) changes.push({ id, from: known?.state ?? "unknown", to: state, incarnation });
    return { kind: "taken", changes };
  }

  /** Forgets the tombstones whose time is up. O(tombstones). */
  expire(nowMs: number): Change[] {
    const expired: Change[] = [];
    for (const id of this.#tombstones) {
      const member = this.#members.get(id);
      if (member !== undefined && nowMs - member.sinceMs >= this.#options.tombstoneMs) expired.push(this.#forget(member));
    }
    return expired;
  }

  /** Forgets all but one. */
  forgetAllBut(id: string): Change[] {
    return [...this.#members.values()].filter((member) => member.id !== id).map((member) => this.#forget(member));
  }

  #makeRoom(isDead: boolean, ageMs: number, changes: Change[]): boolean {
    if (isDead && ageMs >= this.#options.tombstoneMs) return false;
    if (this.#members.size < this.#options.membersMax) return true;
    const [oldest] = this.#tombstones;
    const member = oldest === undefined ? undefined : this.#members.get(oldest);
    if (isDead || member === undefined) {
      this.#refused++;
      return false;
    }
    this.#evicted++;
    changes.push(this.#forget(member));
    return true;
  }

  #put(member: Member): void {
    const known = this.#members.get(member.id);
    if (known !== undefined) this.#discount(known);
    this.#members.set(member.id, member);
    this.#counts[member.state]++;
    this.#digest = (this.#digest + hashOf(member)) >>> 0;
    if (isTombstone(member.state)) this.#tombstones.add(member.id);
  }

  #forget(member: Member): Change {
    this.#discount(member);
    this.#members.delete(member.id);
    return { id: member.id, from: member.state, to: "unknown", incarnation: member.incarnation };
  }

  #discount(member: Member): void {
    this.#counts[member.state]--;
    this.#digest = (this.#digest - hashOf(member)) >>> 0;
    this.#tombstones.delete(member.id);
  }
}

/** FNV-1a, 32 bits, over what the order of updates looks at; a record differs only in a lie. */
function hashOf({ id, incarnation, state }: Member): number {
  let hash = 0x811c9dc5;
  const mix = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193);
  };
  for (let index = 0; index < id.length; index++) mix(id.charCodeAt(index));
  mix(incarnation >>> 0);
  mix(Math.floor(incarnation / 2 ** 32));
  mix(rankOf(state));
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
