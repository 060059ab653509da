import {
  type Announce,
  announceSchema,
  attributes,
  type ConnHeartbeat,
  codecOfHeaders,
  decode,
  encode,
  type Heartbeat,
  limits,
  parseFrame,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, BusMessage, BusSubscription, Clock, Ids, Logger, Telemetry, Timer } from "@nexus/ports";
import type { Resident } from "./agent.ts";
import { frameBytesMax } from "./replies.ts";
import type { ConnectionDeps } from "./types.ts";

/**
 * Tells routers that the agents of a connection live, and what load they have.
 *
 * Invariants
 * H1. The interval is that of the slowest router heard of in the last 90 s; without any, the configured one.
 * H2. Connections that began together, or that one announcement reached, do not speak together.
 */

/** An agent, as far as heartbeats need it. */
export type Beating = Pick<Resident, "id" | "hello" | "load">;

export interface HeartbeatDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly processGauge: ConnectionDeps["processGauge"];
  readonly subjects: Subjects;
  readonly connId: string;
  readonly intervalMs: number;
  readonly agents: () => readonly Beating[];
  readonly helloAll: () => void;
  /** Runs the action; hostile frames are counted and dropped. */
  readonly guard: (message: BusMessage, take: () => void) => void;
}

const ROUTER_FORGOTTEN_AFTER_MS = 90_000;
const ROUTERS_MAX = 1_000;
const HELLO_JITTER_MS_MAX = 1_000;

export class Heartbeats {
  readonly #deps: HeartbeatDeps;
  readonly #routers = new Map<string, { readonly intervalMs: number; readonly heardMs: number }>();
  #subscription: BusSubscription | undefined;
  #timer: Timer | undefined;
  #dueMs = 0;
  #helloTimer: Timer | undefined;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { bus, subjects, ids, guard } = this.#deps;
    this.#subscription = bus.subscribe(subjects.routerAnnounce, (message) =>
      guard(message, () => this.#onAnnounce(readAnnounce(message))),
    );
    this.#schedule(ids.random() * this.intervalMs); // H2
  }

  stop(): void {
    this.#timer?.cancel();
    this.#helloTimer?.cancel();
    this.#subscription?.unsubscribe();
  }

  /** H1 */
  get intervalMs(): number {
    const forgottenMs = this.#deps.clock.monotonicMs() - ROUTER_FORGOTTEN_AFTER_MS;
    let slowest = 0;
    for (const [router, { intervalMs, heardMs }] of this.#routers) {
      if (heardMs < forgottenMs) this.#routers.delete(router);
      else slowest = Math.max(slowest, intervalMs);
    }
    return slowest === 0 ? this.#deps.intervalMs : slowest;
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#deps;
    this.#timer?.cancel();
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.schedule(delayMs, () => {
      // First, so that a failure to send does not end the beat.
      this.#schedule(this.intervalMs);
      this.#beat();
    });
  }

  #beat(): void {
    const { bus, subjects, connId, processGauge, logger } = this.#deps;
    const agents = this.#deps.agents();
    const [only] = agents;
    if (!bus.connected || only === undefined) return;
    const process = processGauge.read();
    try {
      if (agents.length === 1) {
        const beat: Heartbeat = { v: 1, boot: only.hello.boot, process, ...only.load };
        bus.publish(subjects.agentHeartbeat(only.id), encode(beat));
      } else {
        const rows = agents.map(({ id, hello, load }) => ({ agent: id, boot: hello.boot, ...load }));
        this.#publishRows(subjects.connHeartbeat(connId), process, rows);
      }
    } catch (error) {
      logger.warn({ err: error }, "a heartbeat could not be sent");
    }
  }

  /** Halves the rows until each part fits a message. */
  #publishRows(subject: string, process: ConnHeartbeat["process"], rows: ConnHeartbeat["agents"]): void {
    const bytes = encode({ v: 1, process, agents: rows } satisfies ConnHeartbeat);
    const tooMany = rows.length > limits.connectionAgentsMax || bytes.byteLength > frameBytesMax(this.#deps.bus);
    if (rows.length === 1 || !tooMany) return this.#deps.bus.publish(subject, bytes);
    const half = rows.length >> 1;
    this.#publishRows(subject, process, rows.slice(0, half));
    this.#publishRows(subject, process, rows.slice(half));
  }

  #onAnnounce(announce: Announce): void {
    const { clock, ids, telemetry } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (this.#routers.size < ROUTERS_MAX || this.#routers.has(announce.router)) {
      this.#routers.set(announce.router, { intervalMs: announce.heartbeatIntervalMs, heardMs: nowMs });
    } else telemetry.count("boundsReached", 1, { [attributes.reason]: "routers" });
    const { intervalMs } = this;
    // The beat that is due may be further away than the interval that now holds.
    if (this.#dueMs > nowMs + intervalMs) this.#schedule(ids.random() * intervalMs);
    if (!announce.helloWanted || this.#helloTimer !== undefined) return;
    this.#helloTimer = clock.schedule(ids.random() * Math.min(HELLO_JITTER_MS_MAX, intervalMs), () => {
      this.#helloTimer = undefined;
      this.#deps.helloAll();
    });
  }
}

function readAnnounce(message: BusMessage): Announce {
  return parseFrame(announceSchema, decode(message.data, codecOfHeaders(message.headers)), "announcement");
}
