import type { Priority } from "@nexus/contracts";
import type { Work } from "./operations.ts";

/**
 * Work that waits: the higher priority first, and first in, first out within one. A linked list for each, so that taking
 * the first and removing any one are O(1): an array would move all others, and a Map walks over what was deleted at its
 * front. A low priority can wait for ever behind higher ones; its own deadline ends it.
 */
export class WorkQueue {
  readonly #lists = { critical: new WorkList(), high: new WorkList(), normal: new WorkList(), low: new WorkList() };
  readonly #inOrder = [this.#lists.critical, this.#lists.high, this.#lists.normal, this.#lists.low];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(work: Work): void {
    this.#lists[priorityOf(work)].push(work);
    this.#size++;
  }

  shift(): Work | undefined {
    const first = this.#inOrder.find((list) => list.first !== undefined)?.first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Only of work that is in the queue. */
  remove(work: Work): void {
    this.#lists[priorityOf(work)].remove(work);
    this.#size--;
  }

  /** In the order in which it would be taken; the one that was yielded may be removed. */
  *[Symbol.iterator](): Generator<Work> {
    for (const list of this.#inOrder) yield* list;
  }
}

function priorityOf(work: Work): Priority {
  return work.frame.priority ?? "normal";
}

class WorkList {
  first: Work | undefined;
  #last: Work | undefined;

  push(work: Work): void {
    work.before = this.#last;
    work.after = undefined;
    if (this.#last === undefined) this.first = work;
    else this.#last.after = work;
    this.#last = work;
  }

  remove(work: Work): void {
    if (work.before === undefined) this.first = work.after;
    else work.before.after = work.after;
    if (work.after === undefined) this.#last = work.before;
    else work.after.before = work.before;
    work.before = undefined;
    work.after = undefined;
  }

  *[Symbol.iterator](): Generator<Work> {
    for (let work = this.first; work !== undefined; ) {
      const next: Work | undefined = work.after;
      yield work;
      work = next;
    }
  }
}
