/** Who listens to what: NATS's subject matching, `*` for one token and a last `>` for one or more. */
export interface SubjectTable<E> {
  add(pattern: string, entry: E): void;
  remove(pattern: string, entry: E): void;
  /** Every entry whose pattern matches, in no promised order. O(patterns with wildcards). */
  match(subject: string): E[];
}

export function createSubjectTable<E>(): SubjectTable<E> {
  const literals = new Map<string, Set<E>>();
  const wildcards = new Map<string, { readonly tokens: readonly string[]; readonly entries: Set<E> }>();
  return {
    add(pattern, entry) {
      if (!hasWildcard(pattern)) {
        const entries = literals.get(pattern);
        if (entries === undefined) literals.set(pattern, new Set([entry]));
        else entries.add(entry);
        return;
      }
      const slot = wildcards.get(pattern);
      if (slot === undefined) wildcards.set(pattern, { tokens: pattern.split("."), entries: new Set([entry]) });
      else slot.entries.add(entry);
    },
    remove(pattern, entry) {
      const entries = literals.get(pattern) ?? wildcards.get(pattern)?.entries;
      entries?.delete(entry);
      if (entries?.size === 0) {
        literals.delete(pattern);
        wildcards.delete(pattern);
      }
    },
    match(subject) {
      const found = [...(literals.get(subject) ?? [])];
      if (wildcards.size === 0) return found;
      const tokens = subject.split(".");
      for (const slot of wildcards.values()) if (matches(slot.tokens, tokens)) found.push(...slot.entries);
      return found;
    },
  };
}

export function subjectMatches(pattern: string, subject: string): boolean {
  return pattern === subject || (hasWildcard(pattern) && matches(pattern.split("."), subject.split(".")));
}

function hasWildcard(pattern: string): boolean {
  return pattern.includes("*") || pattern.includes(">");
}

function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const expected = pattern[index];
    if (index >= tokens.length) return false;
    if (expected === ">") return true;
    if (expected !== "*" && expected !== tokens[index]) return false;
  }
  return pattern.length === tokens.length;
}
