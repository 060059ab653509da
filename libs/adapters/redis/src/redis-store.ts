import { messageOf, NexusError, withoutCredentials } from "@nexus/contracts";
import { type Logger, type StateStore, silentLogger } from "@nexus/ports";
import { Redis, type Result } from "ioredis";

export interface RedisStoreOptions {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** After which a call fails; S3. */
  readonly commandTimeoutMs: number;
  /** Before every key. */
  readonly keyPrefix: string;
  readonly logger?: Logger;
  /** For the first attempt; the store starts without it. Default 1,000. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS_DEFAULT = 1_000;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2_000;
const PROBE_INTERVAL_MS = 250;

/** ARGV: value, time to live in ms. Returns what is there, or nothing when the value was put. */
const PUT_IF_ABSENT = `
local present = redis.call("GET", KEYS[1])
if present then return present end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return false`;

/** ARGV: expected, value, time to live in ms. */
const COMPARE_AND_SET = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
return 1`;

declare module "ioredis" {
  interface RedisCommander<Context> {
    nexusPutIfAbsentBuffer(key: string, value: Buffer, ttlMs: number): Result<Buffer | null, Context>;
    nexusCompareAndSet(key: string, expected: Buffer, value: Buffer, ttlMs: number): Result<number, Context>;
  }
}

/**
 * The state store over one Redis. Resolves after the first attempt to connect, whether or not it succeeded: without Redis
 * it is not `available`, every call fails at once, and it goes on connecting in the background.
 */
export async function connectRedis(options: RedisStoreOptions): Promise<StateStore> {
  const logger = options.logger ?? silentLogger;
  const redis = new Redis(options.url, {
    keyPrefix: options.keyPrefix,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT,
    // Commands that time out stay in the library's queue until the answer comes; a silent server must not let it grow.
    socketTimeout: options.commandTimeoutMs * 4,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    retryStrategy: (attempt) => {
      const ceilingMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10));
      return RECONNECT_MS_MIN + Math.random() * (ceilingMs - RECONNECT_MS_MIN);
    },
    scripts: {
      nexusPutIfAbsent: { lua: PUT_IF_ABSENT, numberOfKeys: 1 },
      nexusCompareAndSet: { lua: COMPARE_AND_SET, numberOfKeys: 1 },
    },
  });
  const store = new RedisStore(redis, logger, withoutCredentials(options.url));
  try {
    await withinMs((options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT) + options.commandTimeoutMs, redis.connect());
  } catch (error) {
    logger.warn(
      { err: error, url: withoutCredentials(options.url) },
      "Redis does not answer; going on without it and connecting on",
    );
  }
  return store;
}

/** A server may accept the connection and say nothing; the library then waits for it. */
async function withinMs(timeoutMs: number, connecting: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not ready within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([connecting, late]);
  } finally {
    clearTimeout(timer);
  }
}

class RedisStore implements StateStore {
  readonly shared = true;
  readonly #redis: Redis;
  readonly #address: string;
  /** A server that accepts commands and does not answer: not available until a probe is answered. */
  #silent = false;
  #closed = false;
  #probe: NodeJS.Timeout | undefined;

  constructor(redis: Redis, logger: Logger, address: string) {
    this.#redis = redis;
    this.#address = address;
    let away = false;
    // One line per outage: the library repeats errors with every attempt, and a server that ends cleanly is no error to it.
    const onAway = (error?: Error): void => {
      if (!away && redis.status !== "end" && !this.#closed)
        logger.warn({ err: error, url: address }, "Redis is away; reconnecting");
      away = true;
    };
    redis.on("error", onAway);
    redis.on("close", onAway);
    redis.on("ready", () => {
      this.#silent = false;
      if (away) logger.info({ url: address }, "Redis is back");
      away = false;
    });
  }

  get available(): boolean {
    return this.#redis.status === "ready" && !this.#silent && !this.#closed;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.#run(() => this.#redis.getBuffer(key))) ?? undefined;
  }

  async put(key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    const ttl = wholeTtl(ttlMs);
    await this.#run(() => this.#redis.set(key, bufferOf(value), "PX", ttl));
  }

  async putIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<Uint8Array | undefined> {
    const ttl = wholeTtl(ttlMs);
    return (await this.#run(() => this.#redis.nexusPutIfAbsentBuffer(key, bufferOf(value), ttl))) ?? undefined;
  }

  async compareAndSet(key: string, expected: Uint8Array, value: Uint8Array, ttlMs: number): Promise<boolean> {
    const ttl = wholeTtl(ttlMs);
    return (await this.#run(() => this.#redis.nexusCompareAndSet(key, bufferOf(expected), bufferOf(value), ttl))) === 1;
  }

  async delete(key: string): Promise<void> {
    await this.#run(() => this.#redis.del(key));
  }

  async ping(): Promise<number> {
    const startMs = performance.now();
    await this.#run(() => this.#redis.ping());
    return performance.now() - startMs;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#probe);
    this.#redis.disconnect();
  }

  async #run<T>(command: () => Promise<T>): Promise<T> {
    // S3: while it is connecting, the library would hold a command back.
    if (this.#closed) throw this.#unavailable("the store is closed");
    if (this.#redis.status !== "ready") throw this.#unavailable(`its connection is ${this.#redis.status}`);
    try {
      const result = await command();
      this.#silent = false;
      return result;
    } catch (error) {
      const message = messageOf(error);
      if (message === "Command timed out") this.#onSilence();
      throw this.#unavailable(message, error);
    }
  }

  #onSilence(): void {
    this.#silent = true;
    if (this.#probe !== undefined || this.#closed) return;
    this.#probe = setTimeout(() => {
      this.#probe = undefined;
      // A failure is the very thing that is asked for: silence asks again by itself, a lost connection ends in `ready`.
      this.ping().catch(() => undefined);
    }, PROBE_INTERVAL_MS);
    this.#probe.unref();
  }

  #unavailable(reason: string, cause?: unknown): NexusError {
    return new NexusError("store-unavailable", `Redis at ${this.#address} is not available: ${reason}`, { cause });
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function wholeTtl(ttlMs: number): number {
  if (!(ttlMs > 0)) throw new NexusError("invalid-field", `ttlMs must be above 0, not ${ttlMs}`, { field: "ttlMs" });
  return Math.ceil(ttlMs);
}
