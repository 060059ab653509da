/**
 * In which order phases run. What disturbs a machine drifts: a candidate is compared with what ran right beside it, and
 * neither is always the first.
 */

/** How much is measured. Times in milliseconds. */
export interface Phases {
  readonly rounds: number;
  /** Per load and candidate, once, before the first round: compilers and caches settle. */
  readonly warmUpMs: number;
  /** At the begin of each phase, excluded from what is measured. */
  readonly leadInMs: number;
  readonly measureMs: number;
}

export const quickPhases: Phases = { rounds: 2, warmUpMs: 200, leadInMs: 100, measureMs: 300 };

export interface Slot {
  /** From 0; -1 is the warm-up. */
  readonly round: number;
  readonly load: string;
  readonly candidate: string;
}

export const WARM_UP_ROUND = -1;

/**
 * The warm-up, then rounds; a round has every load once, and of it every candidate once, side by side. Rounds go in
 * pairs: the first of a pair has a random order of the candidates, the second its reverse (ABBA).
 * @param random uniform in [0, 1)
 */
export function scheduleOf(
  rounds: number,
  loads: readonly string[],
  candidates: readonly string[],
  random: () => number,
): readonly Slot[] {
  const slots: Slot[] = [];
  const add = (round: number, load: string, order: readonly string[]): void => {
    for (const candidate of order) slots.push({ round, load, candidate });
  };
  for (const load of loads) add(WARM_UP_ROUND, load, candidates);
  const orders = new Map<string, readonly string[]>();
  for (let round = 0; round < rounds; round++) {
    for (const load of loads) {
      const order = round % 2 === 0 ? shuffled(candidates, random) : (orders.get(load) ?? candidates).toReversed();
      orders.set(load, order);
      add(round, load, order);
    }
  }
  return slots;
}

/** Fisher and Yates, in Durstenfeld's form. */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}
