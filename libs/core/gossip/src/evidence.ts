/** What peers said that they had, and when: the evidence of convergence. */

export interface MemberEvidence {
  readonly node: string;
  /** What it said last; undefined where it has said nothing. */
  readonly hash: string | undefined;
  /** Since it said so; undefined as above. */
  readonly ageMs: number | undefined;
}

export interface Convergence {
  /** Every live member said lately that it has what this node has now. Never more than that: it may have changed since. */
  readonly converged: boolean;
  /** Of this node. */
  readonly hash: string;
  /** Every live member but this node: those that stand against it first. */
  readonly members: readonly (MemberEvidence & { readonly agrees: boolean })[];
}

export class Evidence {
  readonly #said = new Map<string, { readonly hash: string; readonly atMs: number }>();
  readonly #peersMax: number;

  constructor(peersMax: number) {
    this.#peersMax = peersMax;
  }

  heard(node: string, hash: string, nowMs: number): void {
    if (!this.#said.has(node) && this.#said.size >= this.#peersMax) return;
    this.#said.set(node, { hash, atMs: nowMs });
  }

  hashOf(node: string): string | undefined {
    return this.#said.get(node)?.hash;
  }

  /** Only members are remembered. */
  keep(isMember: (node: string) => boolean): void {
    for (const node of this.#said.keys()) if (!isMember(node)) this.#said.delete(node);
  }

  /** Live members whose word is older, or that have said nothing. */
  staleOf(live: readonly string[], nowMs: number, freshMs: number): string[] {
    return live.filter((node) => nowMs - (this.#said.get(node)?.atMs ?? Number.NEGATIVE_INFINITY) > freshMs);
  }

  /** @param live every live member but this node */
  convergence(hash: string, live: readonly string[], nowMs: number, freshMs: number): Convergence {
    const members = live.map((node) => {
      const said = this.#said.get(node);
      const ageMs = said === undefined ? undefined : nowMs - said.atMs;
      return { node, hash: said?.hash, ageMs, agrees: said?.hash === hash && (ageMs ?? 0) <= freshMs };
    });
    members.sort((a, b) => Number(a.agrees) - Number(b.agrees));
    return { converged: members.every(({ agrees }) => agrees), hash, members };
  }
}
