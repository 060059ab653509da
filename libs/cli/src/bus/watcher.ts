import { createIds, systemClock } from "@nexus/adapter-node";
import {
  type Activity,
  activityEventSchema,
  createSubjects,
  decode,
  encode,
  type JsonValue,
  limits,
  type NexusError,
  parseFrame,
  type WatchInterest,
  wants,
  watchAnswerSchema,
} from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { heardRefusals, listenForRefusals } from "./refusals.ts";

/**
 * Keeps a word at every router that somebody watches, and hands on what they tell.
 *
 * Invariants
 * V1. The word is renewed three times in a lease, so that one that is lost on its way ends nothing.
 * V2. Events that were not told, and those that were lost on their way, are counted by router.
 */

export interface WatchListener {
  readonly onActivity: (activity: Activity, router: string) => void;
  /** Something that whoever watches should know, in one line. */
  readonly onNote: (note: string) => void;
}

export type WatchFilter = Pick<WatchInterest, "types" | "statuses" | "classes">;

interface HeardRouter {
  published: number;
  skipped: number;
}

const LEASE_MS = limits.watchLeaseMsMax;
const ROUTERS_MAX = 1_000;
/** Whoever pressed Ctrl-C waits. */
const STOP_MS = 500;

export class Watcher {
  readonly #bus: Bus;
  readonly #prefix: string;
  readonly #filter: WatchFilter;
  readonly #listener: WatchListener;
  readonly #leaseMs: number;
  readonly #name = createIds().instanceName("watch");
  readonly #routers = new Map<string, HeardRouter>();
  readonly #refusing = new Set<string>();
  #timer: { cancel(): void } | undefined;
  #ended = false;

  constructor(bus: Bus, prefix: string, filter: WatchFilter, listener: WatchListener, leaseMs: number = LEASE_MS) {
    this.#bus = bus;
    this.#prefix = prefix;
    this.#filter = filter;
    this.#listener = listener;
    this.#leaseMs = leaseMs;
  }

  get routers(): number {
    return this.#routers.size;
  }

  /** @throws NexusError where this user may not watch */
  async start(): Promise<void> {
    const subjects = createSubjects(this.#prefix);
    let refused: NexusError | undefined;
    const stopRefusals = listenForRefusals(this.#bus, (refusal) => {
      refused ??= refusal;
    });
    this.#bus.subscribe(subjects.routerEvents, ({ data }) => this.#onEvent(decode(data)));
    const inbox = this.#bus.newInbox();
    this.#bus.subscribe(inbox, ({ data }) => {
      if (data.byteLength === 0) this.#listener.onNote("no router is there; waiting for one");
      else this.#onAnswer(decode(data));
    });
    await this.#bus.flush();
    const renew = (snapshot: boolean) => {
      if (this.#ended) return;
      if (this.#bus.connected)
        this.#bus.publish(subjects.routerWatch, encode(this.#interest(this.#leaseMs, snapshot)), { reply: inbox });
      this.#timer = systemClock.schedule(this.#leaseMs / 3, () => renew(false)); // V1
    };
    renew(true);
    await heardRefusals(this.#bus);
    stopRefusals();
    if (refused !== undefined) throw refused;
  }

  /** Takes the word back; where that is not possible, it ends with its lease. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    if (!this.#bus.connected) return;
    this.#bus.publish(createSubjects(this.#prefix).routerWatch, encode(this.#interest(0, false)));
    const late = Promise.withResolvers<void>();
    const timer = systemClock.schedule(STOP_MS, late.resolve);
    await Promise.race([this.#bus.flush().catch(() => {}), late.promise]);
    timer.cancel();
  }

  #interest(leaseMs: number, snapshot: boolean): WatchInterest {
    return { v: 1, watcher: this.#name, leaseMs, ...(snapshot ? { snapshot } : {}), ...this.#filter };
  }

  #onAnswer(frame: JsonValue): void {
    const { router, published, skipped, accepted, running, runningTotal } = parseFrame(watchAnswerSchema, frame, "an answer");
    const isNew = !this.#routers.has(router);
    this.#heard(router, published, skipped, false);
    if (!accepted && !this.#refusing.has(router)) this.#listener.onNote(`${router} has as many watchers as it may; trying again`);
    if (accepted) this.#refusing.delete(router);
    else if (this.#refusing.size < ROUTERS_MAX) this.#refusing.add(router);
    if (!isNew) return;
    for (const activity of running) this.#listener.onActivity(activity, router);
    const more = runningTotal - running.length;
    if (running.length === limits.watchRunningMax && more > 0) this.#listener.onNote(`${router} runs ${more} more`);
  }

  #onEvent(frame: JsonValue): void {
    const { router, published, skipped, activity } = parseFrame(activityEventSchema, frame, "an event");
    this.#heard(router, published, skipped, true);
    if (wants(this.#filter, activity)) this.#listener.onActivity(activity, router);
  }

  /** V2. The first frame of a router only says where its counts stand. */
  #heard(router: string, published: number, skipped: number, isEvent: boolean): void {
    const before = this.#routers.get(router);
    if (before === undefined) {
      if (this.#routers.size < ROUTERS_MAX) this.#routers.set(router, { published, skipped });
      return;
    }
    const lost = published - before.published - (isEvent ? 1 : 0);
    const untold = skipped - before.skipped;
    if (untold > 0) this.#listener.onNote(`${router} did not tell ${untold} events, which were more than it may; filter them`);
    if (lost > 0) this.#listener.onNote(`${lost} events of ${router} were lost on their way`);
    before.published = Math.max(published, before.published);
    before.skipped = Math.max(skipped, before.skipped);
  }
}
