import { announceSchema, CONTENT_TYPE_HEADER, codecOf, decode, encode, parseFrame, type Subjects } from "@nexus/contracts";
import type { Bus, BusMessage, BusSubscription, Clock, Ids, Logger, Timer } from "@nexus/ports";
import type { OperationIntake } from "./operation-intake.ts";
import type { ConnectionDeps } from "./types.ts";

/** The agents of a connection, as far as heartbeats need them. */
export interface Beating {
  readonly id: string;
  readonly boot: string;
  readonly intake: Pick<OperationIntake, "load">;
}

export interface HeartbeatDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly processGauge: ConnectionDeps["processGauge"];
  readonly subjects: Subjects;
  readonly connId: string;
  readonly intervalMs: number;
  readonly agents: () => readonly Beating[];
  readonly helloAll: () => void;
}

/** A router that was not heard of for this long has no say in the interval. */
const ROUTER_FORGOTTEN_AFTER_MS = 90_000;
const ROUTERS_MAX = 1_000;
const AGENTS_PER_FRAME = 1_000;

/** One frame for all agents of the connection, at the interval of the slowest router. */
export class Heartbeats {
  readonly #deps: HeartbeatDeps;
  readonly #routers = new Map<string, { intervalMs: number; heardMs: number }>();
  #subscription: BusSubscription | undefined;
  #timer: Timer | undefined;
  #helloTimer: Timer | undefined;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { bus, subjects, ids } = this.#deps;
    this.#subscription = bus.subscribe(subjects.routerAnnounce, (message) => this.#onAnnounce(message));
    // Connections that began together must not beat together.
    this.#schedule(ids.random() * this.intervalMs);
  }

  get intervalMs(): number {
    const now = this.#deps.clock.monotonicMs();
    let slowest = 0;
    for (const [router, { intervalMs, heardMs }] of this.#routers) {
      if (now - heardMs > ROUTER_FORGOTTEN_AFTER_MS) this.#routers.delete(router);
      else slowest = Math.max(slowest, intervalMs);
    }
    return slowest === 0 ? this.#deps.intervalMs : slowest;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#helloTimer?.cancel();
    this.#subscription?.unsubscribe();
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.schedule(Math.max(1, delayMs), () => {
      this.#beat();
      this.#schedule(this.intervalMs);
    });
  }

  #beat(): void {
    const { bus, subjects, connId, processGauge, logger } = this.#deps;
    const agents = this.#deps.agents();
    if (!bus.connected || agents.length === 0) return;
    const process = processGauge.read();
    const [only] = agents;
    try {
      if (agents.length === 1 && only !== undefined) {
        bus.publish(subjects.agentHeartbeat(only.id), encode({ v: 1, boot: only.boot, process, ...only.intake.load }));
        return;
      }
      for (let at = 0; at < agents.length; at += AGENTS_PER_FRAME) {
        const rows = agents.slice(at, at + AGENTS_PER_FRAME).map(({ id, boot, intake }) => ({ agent: id, boot, ...intake.load }));
        bus.publish(subjects.connHeartbeat(connId), encode({ v: 1, process, agents: rows }));
      }
    } catch (error) {
      logger.warn({ err: error }, "a heartbeat could not be sent");
    }
  }

  #onAnnounce(message: BusMessage): void {
    const { clock, ids, logger } = this.#deps;
    let announce: ReturnType<typeof readAnnounce>;
    try {
      announce = readAnnounce(message);
    } catch (error) {
      logger.warn({ err: error }, "a router's announcement was not understood");
      return;
    }
    const before = this.intervalMs;
    if (this.#routers.size < ROUTERS_MAX || this.#routers.has(announce.router)) {
      this.#routers.set(announce.router, { intervalMs: announce.heartbeatIntervalMs, heardMs: clock.monotonicMs() });
    }
    if (this.intervalMs < before) this.#schedule(ids.random() * this.intervalMs);
    if (announce.helloWanted && this.#helloTimer === undefined) {
      this.#helloTimer = clock.schedule(ids.random() * Math.min(200, this.intervalMs), () => {
        this.#helloTimer = undefined;
        this.#deps.helloAll();
      });
    }
  }
}

function readAnnounce(message: BusMessage) {
  return parseFrame(announceSchema, decode(message.data, codecOf(message.headers[CONTENT_TYPE_HEADER])), "announcement");
}
