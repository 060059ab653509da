import type { Bus, BusHandler, BusMessage, Clock, Logger } from "@nexus/ports";
import { noHeaders, STATUS_HEADER, silentLogger } from "@nexus/ports";
import { MemoryBus } from "./memory-bus.ts";
import { createSubjectTable, subjectMatches } from "./subject-table.ts";

/**
 * A NATS server in the process's memory, for tests and simulations: subjects with wildcards, queue groups, no-responders,
 * a largest payload, disconnections on demand.
 *
 * Invariants
 * M1. Nothing is delivered within the call that publishes it; deliveries keep the order of publishing over the whole broker.
 * M2. A connection holds at most `pendingMax` undelivered messages; what exceeds that is dropped, counted in
 *     `droppedCount` and told to the connection's `onError`, as a NATS server does with slow consumers.
 * M3. A connection that is disconnected loses what it had not yet received; its subscriptions come back with it.
 */
export interface MemoryBroker {
  readonly droppedCount: number;
  connect(options?: MemoryConnectOptions): Bus;
  /** Cuts the connection until `reconnect`. @throws Error when the bus is not of this broker */
  disconnect(bus: Bus): void;
  reconnect(bus: Bus): void;
  /** Resolves when no delivery is pending, those included that deliveries lead to. */
  idle(): Promise<void>;
}

export interface MemoryConnectOptions {
  readonly name?: string;
  readonly logger?: Logger;
  /** Undelivered messages. */
  readonly pendingMax?: number;
}

export interface MemoryBrokerOptions {
  /** For the timeouts of requests; default: the machine's timers. */
  readonly clock?: Pick<Clock, "schedule" | "monotonicMs">;
  /** Uniform in [0, 1); chooses the members of queue groups. */
  readonly random?: () => number;
  readonly maxPayloadBytes?: number;
  /** Runs the deliveries later; default `setImmediate`, so that two parties that answer each other starve nobody. */
  readonly defer?: (deliver: () => void) => void;
}

/** @internal A subscription of a connection. */
export interface Entry {
  readonly bus: MemoryBus;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly handler: BusHandler;
  active: boolean;
}

/** @internal What a connection needs of its broker. */
export interface BrokerCore {
  readonly clock: Pick<Clock, "schedule" | "monotonicMs">;
  readonly maxPayloadBytes: number;
  nextNumber(): number;
  attach(entry: Entry): void;
  detach(entry: Entry): void;
  publish(from: MemoryBus, message: BusMessage): void;
  /** Runs the action after everything that was published before. */
  afterPending(action: () => void): void;
}

const PENDING_MAX_DEFAULT = 100_000;

export function createMemoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  const defer = options.defer ?? ((deliver) => void setImmediate(deliver));
  const random = options.random ?? Math.random;
  const table = createSubjectTable<Entry>();
  const buses = new Set<Bus>();
  let pending: (() => void)[] = [];
  let deferred = false;
  let numbers = 0;
  let dropped = 0;

  const enqueue = (action: () => void): void => {
    pending.push(action);
    if (deferred) return;
    deferred = true;
    defer(deliver);
  };
  const deliver = (): void => {
    const batch = pending;
    pending = [];
    deferred = false;
    for (const action of batch) action(); // M1: what these publish is delivered in a later turn
  };
  const send = (entry: Entry, message: BusMessage): void => {
    const { bus } = entry;
    if (bus.pendingCount >= bus.pendingMax) {
      dropped++; // M2
      bus.fail(new Error(`slow consumer: ${bus.pendingMax} messages wait, one on ${entry.subject} was dropped`));
      return;
    }
    bus.pendingCount++;
    const { epoch } = bus;
    enqueue(() => {
      bus.pendingCount--;
      if (entry.active && epoch === bus.epoch) bus.handle(entry, message); // M3
    });
  };

  const core: BrokerCore = {
    clock: options.clock ?? machineClock,
    maxPayloadBytes: options.maxPayloadBytes ?? 1_048_576,
    nextNumber: () => ++numbers,
    attach: (entry) => table.add(entry.subject, entry),
    detach: (entry) => table.remove(entry.subject, entry),
    afterPending: enqueue,
    publish(from, message) {
      const receivers = chooseMembers(table.match(message.subject), random);
      for (const entry of receivers) send(entry, message);
      if (receivers.length > 0 || message.reply === undefined) return;
      const status: BusMessage = { subject: message.reply, data: new Uint8Array(0), headers: noResponders, reply: undefined };
      for (const entry of from.entries) {
        if (subjectMatches(entry.subject, message.reply)) return send(entry, status);
      }
    },
  };
  const own = (bus: Bus): MemoryBus => {
    if (!buses.has(bus) || !(bus instanceof MemoryBus)) throw new Error("this bus is not connected to this broker");
    return bus;
  };
  return {
    get droppedCount() {
      return dropped;
    },
    connect(connectOptions = {}) {
      const name = connectOptions.name ?? `memory-${core.nextNumber()}`;
      const pendingMax = connectOptions.pendingMax ?? PENDING_MAX_DEFAULT;
      const bus = new MemoryBus(core, { name, pendingMax, logger: connectOptions.logger ?? silentLogger });
      buses.add(bus);
      return bus;
    },
    disconnect: (bus) => own(bus).lose(),
    reconnect: (bus) => own(bus).regain(),
    async idle() {
      // The marker is last in its batch: if it finds nothing new behind it, the handlers led to nothing more.
      while (pending.length > 0) await new Promise<void>((resolve) => enqueue(resolve));
    },
  };
}

const noResponders = Object.freeze({ ...noHeaders, [STATUS_HEADER]: "503" });

/** All entries outside queue groups, and one random member of each group. */
function chooseMembers(entries: readonly Entry[], random: () => number): readonly Entry[] {
  if (!entries.some((entry) => entry.queue !== undefined)) return entries;
  const chosen: Entry[] = [];
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.queue === undefined) chosen.push(entry);
    else groups.set(entry.queue, [...(groups.get(entry.queue) ?? []), entry]);
  }
  for (const members of groups.values()) {
    const member = members[Math.floor(random() * members.length)];
    if (member !== undefined) chosen.push(member);
  }
  return chosen;
}

const machineClock: Pick<Clock, "schedule" | "monotonicMs"> = {
  monotonicMs: () => performance.now(),
  schedule(delayMs, action) {
    const timeout = setTimeout(action, delayMs);
    timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};
