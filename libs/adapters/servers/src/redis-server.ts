import { mkdtemp } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBinary, ServerStartError, startChild, untilReady } from "./child-process.ts";

export interface RedisServerOptions {
  /** Default: what `NEXUS_REDIS_SERVER` names, else `redis-server` on the path or in the usual places. */
  readonly binary?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Further arguments: `["--maxmemory", "64mb"]`. */
  readonly args?: readonly string[];
  /** Default 10,000. */
  readonly startTimeoutMs?: number;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  logTail(): string;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const START_TIMEOUT_MS_DEFAULT = 10_000;
const FREE_PORT_ATTEMPTS_MAX = 5;
const INSTALL = "install it (apt-get install redis-server, or https://redis.io) or name the binary by NEXUS_REDIS_SERVER";

/**
 * Starts a private redis-server without persistence and resolves when the server that answers on its port is that very
 * process. It ends with this process. @throws ServerStartError
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const host = options.host ?? "127.0.0.1";
  if (options.port !== undefined) return await start(options, host, options.port);
  // Redis cannot choose a port itself, so another process may take it between our look and its start.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options, host, await freePort(host));
    } catch (error) {
      const taken = error instanceof ServerStartError && error.reason === "port-taken";
      if (!taken || attempt >= FREE_PORT_ATTEMPTS_MAX) throw error;
    }
  }
}

async function start(options: RedisServerOptions, host: string, port: number): Promise<RedisServer> {
  const binary = options.binary ?? findBinary("redis-server", process.env["NEXUS_REDIS_SERVER"]);
  const directory = await mkdtemp(join(tmpdir(), "nexus-redis-"));
  const bare = ["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", directory];
  const child = startChild(binary, ["--bind", host, "--port", String(port), ...bare, ...(options.args ?? [])], directory);
  try {
    const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS_DEFAULT;
    const isOurs = async (): Promise<true | undefined> => ((await pidOfServer(host, port)) === child.pid ? true : undefined);
    await untilReady(child, { binary, install: INSTALL, timeoutMs }, isOurs);
    const url = `redis://${host.includes(":") ? `[${host}]` : host}:${port}`;
    return { url, port, pid: child.pid, logTail: child.logTail, kill: child.kill, stop: child.stop };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the operating system gave no port"));
      });
    });
  });
}

/** What the server tells of itself in `INFO server`; undefined when nobody answers. */
function pidOfServer(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => void socket.write("INFO server\r\n"));
    let text = "";
    const end = (pid: number | undefined): void => {
      socket.destroy();
      resolve(pid);
    };
    socket.setTimeout(1_000, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const pid = /process_id:(\d+)\r/.exec(text)?.[1];
      if (pid !== undefined || text.length > 65_536) end(pid === undefined ? undefined : Number(pid));
    });
  });
}
