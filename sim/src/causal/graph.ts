import type { DotRange } from "@nexus/core-clocks";

/**
 * The dumb twin: every operation with everything that happened before it as a plain set, every life of an agent with the list
 * of what it saw. It knows nothing of clocks, dots of others or buffers, and is asked only at the end.
 */

interface Sent {
  readonly id: number;
  readonly session: string;
  readonly scope: string;
  readonly seq: number;
  readonly parents: ReadonlySet<number>;
  /** Lives that it was for. */
  readonly lives: ReadonlySet<string>;
}

type Seen =
  | { readonly kind: "delivered"; readonly id: number; readonly missing: readonly DotRange[] }
  | { readonly kind: "ended"; readonly id: number }
  | { readonly kind: "gap"; readonly range: DotRange };

export class HappensBefore {
  readonly #sent = new Map<number, Sent>();
  readonly #seen = new Map<string, Seen[]>();

  sent(sent: Sent): void {
    this.#sent.set(sent.id, sent);
  }

  saw(life: string, seen: Seen): void {
    const list = this.#seen.get(life);
    if (list === undefined) this.#seen.set(life, [seen]);
    else list.push(seen);
  }

  /**
   * @param mustHave whether the world's end owes the delivery to the life
   * @returns what was violated, each in one line
   */
  violations(mustHave: (id: number, session: string, life: string) => "delivered" | "told" | undefined): string[] {
    const found: string[] = [];
    for (const [life, seen] of this.#seen) found.push(...this.#orderOf(life, seen));
    for (const { id, session, lives } of this.#sent.values()) {
      for (const life of lives) found.push(...this.#owed(id, life, mustHave(id, session, life)));
    }
    return found;
  }

  #orderOf(life: string, seen: readonly Seen[]): string[] {
    const found: string[] = [];
    const delivered = new Set<number>();
    const ended = new Set<number>();
    const gone: DotRange[] = [];
    const last = new Map<string, number>();
    const told = new Map<number, readonly DotRange[]>();
    for (const one of seen) {
      if (one.kind === "gap") gone.push(one.range);
      else if (one.kind === "ended") ended.add(one.id);
      else {
        const { id, missing } = one;
        const sent = this.#sent.get(id);
        if (sent === undefined) found.push(`${life} was delivered ${id}, which nobody sent`);
        else {
          if (!sent.lives.has(life)) found.push(`${life} was delivered ${id}, which was for others`);
          if (delivered.has(id)) found.push(`${life} was delivered ${id} twice`);
          if (covers(gone, sent)) found.push(`${life} was delivered ${id} after it was given up`);
          const stream = `${sent.session}/${sent.scope}`;
          if ((last.get(stream) ?? 0) > sent.seq) found.push(`${life} was delivered ${id} behind a later one of ${stream}`);
          last.set(stream, sent.seq);
          told.set(id, missing);
          found.push(...this.#causesOf(life, sent, ended, gone, told));
        }
        delivered.add(id);
      }
    }
    return found;
  }

  /** A cause that was given up is told with the operation, or with one between the two. */
  #causesOf(
    life: string,
    { id, parents }: Sent,
    ended: ReadonlySet<number>,
    gone: readonly DotRange[],
    told: ReadonlyMap<number, readonly DotRange[]>,
  ): string[] {
    const ancestors = this.#ancestors(parents);
    const missing = [id, ...ancestors].flatMap((one) => told.get(one) ?? []);
    return [...ancestors].flatMap((ancestor) => {
      const cause = this.#sent.get(ancestor);
      if (cause === undefined || !cause.lives.has(life) || ended.has(ancestor)) return [];
      if (!covers(gone, cause)) return [`${life} was delivered ${id} before its cause ${ancestor}`];
      return covers(missing, cause) ? [] : [`${life} was not told with ${id} that its cause ${ancestor} is missing`];
    });
  }

  #owed(id: number, life: string, owed: "delivered" | "told" | undefined): string[] {
    const seen = this.#seen.get(life) ?? [];
    const sent = this.#sent.get(id);
    if (owed === undefined || sent === undefined) return [];
    if (seen.some((one) => one.kind === "delivered" && one.id === id)) return [];
    if (
      owed === "told" &&
      covers(
        seen.flatMap((one) => (one.kind === "gap" ? [one.range] : [])),
        sent,
      )
    )
      return [];
    return [`${life} was ${owed === "told" ? "neither delivered nor told of" : "not delivered"} ${id}`];
  }

  #ancestors(parents: ReadonlySet<number>): Set<number> {
    const all = new Set<number>();
    const open = [...parents];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (all.has(id)) continue;
      all.add(id);
      open.push(...(this.#sent.get(id)?.parents ?? []));
    }
    return all;
  }
}

function covers(ranges: readonly DotRange[], { session, scope, seq }: Sent): boolean {
  return ranges.some((range) => range.session === session && range.scope === scope && range.from <= seq && seq <= range.to);
}
