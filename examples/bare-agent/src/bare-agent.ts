import { randomBytes } from "node:crypto";
import { totalmem } from "node:os";
import { type NatsText, openNats } from "./nats-text.ts";

/**
 * An agent without a library, in the built-ins of Node alone: what docs/protocol.md says, step by step. It reads JSON,
 * runs up to `capacity` operations at once and refuses what is beyond that. It does not reconnect: when `closed` resolves,
 * start another.
 */

export interface Work {
  /** Aborted when the operation is cancelled or its time is up. */
  readonly signal: AbortSignal;
  /** @param fraction done, in [0, 1] */
  progress(fraction: number): void;
}
export type Handler = (payload: unknown, work: Work) => unknown;

export interface BareAgentOptions {
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  readonly id: string;
  readonly groups: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: number;
  readonly handlers: Readonly<Record<string, Handler>>;
}

interface Operation {
  readonly operationId: string;
  readonly router: string;
  readonly operation: string;
  readonly payload?: unknown;
  readonly remainingMs: number;
  readonly reply?: boolean;
  readonly digest?: string;
  readonly boot?: string;
}

interface Announce {
  readonly router: string;
  readonly heartbeatIntervalMs: number;
  readonly helloWanted: boolean;
}

interface Held {
  readonly digest: string | undefined;
  readonly routers: Set<string>;
  readonly canceller: AbortController;
  readonly sinceMs: number;
  answer?: object;
}

/** Longer than the longest timeout, which is an hour. */
const REMEMBERED_MS = 3_660_000;
const REMEMBERED_MAX = 20_000;
const ROUTER_FORGOTTEN_MS = 90_000;
const ROUTERS_MAX = 1_000;

export class BareAgent {
  readonly boot = `b-${randomBytes(8).toString("hex")}`; // a new one for each life
  readonly #options: BareAgentOptions;
  readonly #nats: NatsText;
  readonly #own: string;
  readonly #held = new Map<string, Held>();
  readonly #routers = new Map<string, { readonly intervalMs: number; readonly heardMs: number }>();
  #inFlight = 0;
  #serviceTimeMs = 0;
  #leaving = false;
  #usage = process.cpuUsage();
  #beatMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BareAgentOptions) {
    this.#options = options;
    this.#own = `${options.prefix}.agents.${options.id}`;
    this.#nats = openNats(options.host, options.port, options.id, (subject, body) => this.#take(subject, JSON.parse(body)));
    void this.closed.then(() => clearTimeout(this.#timer));
  }

  /** Resolves with the reason when the connection has ended. */
  get closed(): Promise<string> {
    return this.#nats.closed;
  }

  // Step 2. Subscribe, then flush, so that an agent that is known can be reached.
  async start(): Promise<void> {
    const { prefix, groups } = this.#options;
    const subjects = [`${this.#own}.in`, `${prefix}.all`, ...groups.map((group) => `${prefix}.groups.${group}`)];
    for (const subject of [...subjects, `${prefix}.routers.announce`]) this.#nats.subscribe(subject);
    await this.#nats.flush();
    this.#sayHello();
    await this.#nats.flush();
    this.#timer = setTimeout(() => this.#beat(), Math.random() * 1_000);
  }

  // Step 3. Say hello, and again whenever a router asks for it; but not after a bye: it would be taken for a return.
  #sayHello(): void {
    if (this.#leaving) return;
    const { id, groups, labels, capacity, handlers } = this.#options;
    const life = { connId: id, boot: this.boot, incarnation: 0 };
    const offer = { groups, labels, capacity, operations: Object.keys(handlers), codecs: ["json"] };
    this.#nats.publish(`${this.#own}.out.hello`, { v: 1, wire: { min: 1, max: 1 }, ...life, ...offer });
  }

  // Step 4. Send heartbeats at the interval of the slowest router that was heard of lately; each second without any.
  #beat(): void {
    const elapsedMs = performance.now() - this.#beatMs;
    const spent = process.cpuUsage(this.#usage);
    this.#usage = process.cpuUsage();
    this.#beatMs += elapsedMs;
    const cpu = Math.min(1, (spent.user + spent.system) / 1_000 / elapsedMs);
    const load = { cpu, memory: process.memoryUsage.rss() / totalmem(), eventLoopDelayMs: 0 };
    const own = { inFlight: this.#inFlight, queueDepth: 0, serviceTimeMs: this.#serviceTimeMs };
    this.#nats.publish(`${this.#own}.out.heartbeat`, { v: 1, boot: this.boot, process: load, ...own });
    this.#forget();
    this.#timer = setTimeout(() => this.#beat(), this.#intervalMs());
  }

  #intervalMs(): number {
    const lately = [...this.#routers.values()].filter(({ heardMs }) => performance.now() - heardMs < ROUTER_FORGOTTEN_MS);
    return lately.length === 0 ? 1_000 : Math.max(...lately.map(({ intervalMs }) => intervalMs));
  }

  #heardOf(announce: Announce): void {
    const { router, heartbeatIntervalMs: intervalMs } = announce;
    if (this.#routers.size < ROUTERS_MAX) this.#routers.set(router, { intervalMs, heardMs: performance.now() });
    if (announce.helloWanted) setTimeout(() => this.#sayHello(), Math.random() * 1_000); // not all agents at once
  }

  // Step 5. Tell frames apart by their subject and kind; leave alone what is not understood.
  #take(subject: string, frame: { v: number; kind?: string }): void {
    if (frame.v !== 1) return;
    if (subject.endsWith(".routers.announce")) this.#heardOf(frame as unknown as Announce);
    else if (frame.kind === "operation") this.#operation(frame as unknown as Operation);
    else if (frame.kind === "cancel") this.#cancel((frame as unknown as Operation).operationId);
    else if (frame.kind === "hello-wanted") this.#sayHello();
  }

  // Step 6. Never run a repeat again; refuse what is for another life of the agent.
  #operation(frame: Operation): void {
    const { operationId, router, digest } = frame;
    const wanted = frame.reply === false ? [] : [router];
    const known = this.#held.get(operationId);
    if (frame.boot !== undefined && frame.boot !== this.boot) this.#refuse(frame, "other-boot", { executed: "unknown" });
    else if (known === undefined) this.#newOperation(frame, wanted);
    else if (known.digest !== digest) this.#refuse(frame, "id-reused");
    else if (known.answer !== undefined)
      this.#answer(wanted, known.answer); // it ended: the stored answer again
    else for (const address of wanted) known.routers.add(address); // it runs: one more address
  }

  // Step 7. Refuse what cannot be run, and drop what came too late; neither is remembered.
  #newOperation(frame: Operation, wanted: readonly string[]): void {
    const { operationId, operation, remainingMs, digest } = frame;
    const { handlers, capacity } = this.#options;
    const full = this.#inFlight >= capacity || this.#held.size >= REMEMBERED_MAX;
    if (this.#leaving) return this.#refuse(frame, "draining", { retryable: true });
    if (!Object.hasOwn(handlers, operation)) return this.#refuse(frame, "unknown-operation");
    if (full) return this.#refuse(frame, "overloaded", { retryable: true, retryAfterMs: 100 });
    if (remainingMs <= 0) return this.#answer(wanted, { ...this.#reply(operationId), status: "expired" });
    const canceller = new AbortController();
    const held: Held = { digest, routers: new Set(wanted), canceller, sinceMs: performance.now() };
    this.#held.set(operationId, held);
    void this.#run(frame, held);
  }

  #refuse({ operationId, router, reply }: Operation, code: string, more: object = {}): void {
    if (reply === false) return;
    const error = { code, message: `agent ${this.#options.id} refuses: ${code}`, retryable: false, executed: "none", ...more };
    this.#answer([router], { ...this.#reply(operationId), status: "refused", error });
  }

  // Step 8. Run the handler, tell its progress, and answer every router that asked.
  async #run({ operationId, operation, payload, remainingMs }: Operation, held: Held): Promise<void> {
    const signal = AbortSignal.any([held.canceller.signal, AbortSignal.timeout(Math.ceil(remainingMs))]);
    const progress = (fraction: number) => {
      if (held.answer === undefined) this.#answer(held.routers, { v: 1, kind: "progress", operationId, fraction });
    };
    this.#inFlight++;
    const ended = await (async () => this.#options.handlers[operation]?.(payload, { signal, progress }))().then(
      (value: unknown) => ({ status: "ok", value: value ?? null }),
      (thrown: unknown) => {
        const message = String(thrown instanceof Error ? thrown.message : thrown).slice(0, 1_024);
        return { status: "error", error: { code: "handler-failed", message, retryable: false, executed: "unknown" } };
      },
    );
    this.#inFlight--;
    const serviceTimeMs = performance.now() - held.sinceMs;
    this.#serviceTimeMs += this.#serviceTimeMs === 0 ? serviceTimeMs : 0.2 * (serviceTimeMs - this.#serviceTimeMs);
    if (held.answer === undefined) this.#finish(operationId, held, { ...ended, serviceTimeMs });
  }

  #finish(operationId: string, held: Held, ended: object): void {
    held.answer = { ...this.#reply(operationId), ...ended };
    this.#answer(held.routers, held.answer);
  }

  #reply(operationId: string): object {
    return { v: 1, kind: "reply", operationId, inFlight: this.#inFlight, queueDepth: 0 };
  }

  #answer(routers: Iterable<string>, body: object): void {
    for (const router of routers) this.#nats.publish(`${this.#own}.out.reply.${router}`, body);
  }

  // Step 9. Cancel what is under way: the answer goes out at once, and the handler is told.
  #cancel(operationId: string): void {
    const held = this.#held.get(operationId);
    if (held === undefined || held.answer !== undefined) return;
    const error = { code: "cancelled", message: "cancelled while it ran", retryable: false, executed: "unknown" };
    this.#finish(operationId, held, { status: "error", error });
    held.canceller.abort(new Error("cancelled"));
  }

  // Step 10. Remember what ended for longer than anybody may ask again.
  #forget(): void {
    for (const [operationId, { sinceMs, answer }] of this.#held) {
      if (answer !== undefined && performance.now() - sinceMs > REMEMBERED_MS) this.#held.delete(operationId);
    }
  }

  // Step 11. Leave: say bye, finish what runs, then close.
  async leave(withinMs = 5_000): Promise<void> {
    this.#leaving = true;
    clearTimeout(this.#timer);
    this.#nats.publish(`${this.#own}.out.bye`, { v: 1, boot: this.boot });
    const deadlineMs = performance.now() + withinMs;
    while (this.#inFlight > 0 && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
    await this.#nats.flush();
    this.#nats.close();
  }
}
