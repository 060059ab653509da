import type { Bus, BusMessage, BusSubscription } from "@nexus/ports";

/**
 * Subscriptions that the members of a connection share: one per subject, from its first member to its last, however
 * many there are. What arrives is given to all members of the moment.
 */
export class Subscriptions<M> {
  readonly #bus: Pick<Bus, "subscribe">;
  readonly #deliver: (message: BusMessage, members: readonly M[]) => void;
  readonly #shared = new Map<string, { readonly subscription: BusSubscription; members: readonly M[] }>();

  constructor(bus: Pick<Bus, "subscribe">, deliver: (message: BusMessage, members: readonly M[]) => void) {
    this.#bus = bus;
    this.#deliver = deliver;
  }

  get size(): number {
    return this.#shared.size;
  }

  /** Idempotent. O(members), as deliveries, which are many, read a list that never changes under them. */
  join(subject: string, member: M): void {
    const shared = this.#shared.get(subject);
    if (shared !== undefined) {
      if (!shared.members.includes(member)) shared.members = [...shared.members, member];
      return;
    }
    const onMessage = (message: BusMessage): void => this.#deliver(message, this.#shared.get(subject)?.members ?? []);
    this.#shared.set(subject, { subscription: this.#bus.subscribe(subject, onMessage), members: [member] });
  }

  leave(subject: string, member: M): void {
    const shared = this.#shared.get(subject);
    if (shared === undefined) return;
    shared.members = shared.members.filter((other) => other !== member);
    if (shared.members.length > 0) return;
    this.#shared.delete(subject);
    shared.subscription.unsubscribe();
  }
}
