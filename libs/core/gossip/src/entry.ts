/** One value of the shared state, as its origin wrote it. */
export interface Entry {
  readonly key: string;
  /** JSON; empty where it was deleted. */
  readonly value: string;
  /** Of the origin's hybrid logical clock, as `encodeHlc` writes it: its order as text is that of the stamps. */
  readonly stamp: string;
  /** The life of the node that wrote it (see `sessionOf`). */
  readonly session: string;
  /** Counts what the session wrote, from 1. */
  readonly seq: number;
  readonly deleted: boolean;
}

/** The life of a node: a restart is another one, so that its sequence may begin anew. */
export function sessionOf(node: string, incarnation: number): string {
  return `${node}.${incarnation.toString(36)}`;
}

/** The node whose life a session is. */
export function nodeOf(session: string): string {
  return session.slice(0, session.lastIndexOf("."));
}

/**
 * Which of two values of a key stays: the later stamp; of equal ones the greater session, then the greater number. A total
 * order, so that a merge is commutative, associative and idempotent whatever comes when.
 */
export function wins(one: Entry, other: Entry): boolean {
  if (one.stamp !== other.stamp) return one.stamp > other.stamp;
  if (one.session !== other.session) return one.session > other.session;
  return one.seq > other.seq;
}

/** As in a chunk, which names the session once. */
export function withoutSession({ session: _, ...entry }: Entry): Omit<Entry, "session"> {
  return entry;
}

/** About what it takes on the wire and in memory, in bytes. */
export function bytesOf({ key, value, session }: Pick<Entry, "key" | "value" | "session">): number {
  return key.length + value.length + session.length + 40;
}
