const POLL_MS = 5;
const DEADLINE_MS = 10_000;

export interface Waiting {
  /** Default 10,000. */
  readonly deadlineMs?: number;
  /** What is awaited, as the error says it: "timed out after 500 ms: <what>". */
  readonly what: string;
}

/**
 * Polls a condition in real time, at once and then every 5 ms.
 * @returns the first truthy value of the predicate
 * @throws Error at the deadline, whose cause is what the predicate threw last; until then a throw counts as "not yet",
 *   so that a predicate may hold an expectation. A predicate that never settles is given up at the deadline too.
 */
export async function waitUntil<T>(predicate: () => T | Promise<T>, waiting: Waiting): Promise<NonNullable<T>> {
  const deadlineMs = waiting.deadlineMs ?? DEADLINE_MS;
  const endMs = performance.now() + deadlineMs;
  const late = Symbol("late");
  let thrown: unknown;
  do {
    const restMs = Math.max(0, endMs - performance.now());
    try {
      const value = await settledWithin(predicate, restMs, late);
      if (value === late) break;
      thrown = undefined;
      if (value) return value as NonNullable<T>;
    } catch (error) {
      thrown = error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, restMs)));
  } while (performance.now() < endMs);
  const because = thrown instanceof Error ? ` (${thrown.message})` : "";
  throw new Error(`timed out after ${deadlineMs} ms: ${waiting.what}${because}`, { cause: thrown });
}

async function settledWithin<T>(predicate: () => T | Promise<T>, restMs: number, late: symbol): Promise<T | symbol> {
  let timer: NodeJS.Timeout | undefined;
  const lateness = new Promise<symbol>((resolve) => {
    timer = setTimeout(resolve, restMs, late);
  });
  try {
    return await Promise.race([predicate(), lateness]);
  } finally {
    clearTimeout(timer);
  }
}
