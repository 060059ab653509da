import type { Work } from "./operations.ts";

/**
 * Work that waits, first in, first out. A linked list, so that taking the first and removing any one are O(1): an array
 * would move all others, and a Map walks over what was deleted at its front.
 */
export class WorkQueue {
  #first: Work | undefined;
  #last: Work | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(work: Work): void {
    work.before = this.#last;
    work.after = undefined;
    if (this.#last === undefined) this.#first = work;
    else this.#last.after = work;
    this.#last = work;
    this.#size++;
  }

  shift(): Work | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Only of work that is in the queue. */
  remove(work: Work): void {
    if (work.before === undefined) this.#first = work.after;
    else work.before.after = work.after;
    if (work.after === undefined) this.#last = work.before;
    else work.after.before = work.before;
    work.before = undefined;
    work.after = undefined;
    this.#size--;
  }

  /** First to last; the one that was yielded may be removed. */
  *[Symbol.iterator](): Generator<Work> {
    for (let work = this.#first; work !== undefined; ) {
      const next: Work | undefined = work.after;
      yield work;
      work = next;
    }
  }
}
