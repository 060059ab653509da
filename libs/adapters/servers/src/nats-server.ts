import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, findBinary, startChild, untilReady } from "./child-process.ts";

export interface NatsServerOptions {
  /** Default: what `NEXUS_NATS_SERVER` names, else `nats-server` on the path or in the usual places. */
  readonly binary?: string;
  /** Default: a free one, chosen by the server. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly jetstream?: boolean;
  /** For JetStream; default: removed with the server. */
  readonly storeDir?: string;
  /** Text of a configuration file; host, port and name from here win. */
  readonly config?: string;
  /** Default 10,000. */
  readonly startTimeoutMs?: number;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly serverName: string;
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it, with how. */
  readonly exited: Promise<string>;
  logTail(): string;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const START_TIMEOUT_MS_DEFAULT = 10_000;
const INSTALL = "install it (apt-get install nats-server, or https://nats.io/download) or name the binary by NEXUS_NATS_SERVER";

/**
 * Starts a private nats-server and resolves when the server that answers on its port is that very one.
 * It ends with this process. @throws ServerStartError
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = options.binary ?? findBinary("nats-server", process.env["NEXUS_NATS_SERVER"]);
  const host = options.host ?? "127.0.0.1";
  const serverName = `nexus-${randomBytes(8).toString("hex")}`;
  const directory = await mkdtemp(join(tmpdir(), "nexus-nats-"));
  const args = ["-a", host, "-p", String(options.port ?? -1), "-n", serverName, "--ports_file_dir", directory];
  if (options.jetstream) args.push("-js", "-sd", options.storeDir ?? join(directory, "jetstream"));
  if (options.config !== undefined) {
    const file = join(directory, "nats.conf");
    await writeFile(file, options.config, { mode: 0o600 }); // it may hold passwords
    args.push("-c", file);
  }
  const child = startChild(binary, args, directory);
  try {
    const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS_DEFAULT;
    const port = await untilReady(child, { binary, install: INSTALL, timeoutMs }, () =>
      readyPort(child, directory, host, serverName),
    );
    const url = `nats://${host.includes(":") ? `[${host}]` : host}:${port}`;
    return {
      url,
      port,
      serverName,
      pid: child.pid,
      exited: child.exited,
      logTail: child.logTail,
      kill: child.kill,
      stop: child.stop,
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function readyPort(child: Child, directory: string, host: string, serverName: string): Promise<number | undefined> {
  // `<executable>_<pid>.ports`
  const file = (await readdir(directory)).find((name) => name.endsWith(`_${child.pid}.ports`));
  if (file === undefined) return undefined;
  const port = portOf(await readFile(join(directory, file), "utf8"));
  if (port === undefined) return undefined;
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return (await nameOfServer(reachable, port)) === serverName ? port : undefined;
}

/** From a ports file, `{"nats":["nats://127.0.0.1:4222"],…}`; undefined while it is being written. */
function portOf(text: string): number | undefined {
  const match = /"nats":\s*\[\s*"[^"]*:(\d+)"/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** The name in the INFO line that a server sends to whoever connects; undefined when there is none. */
function nameOfServer(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let line = "";
    const end = (name: string | undefined): void => {
      socket.destroy();
      resolve(name);
    };
    socket.setTimeout(1_000, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
    socket.on("data", (chunk) => {
      line += chunk.toString();
      if (line.includes("\r\n") || line.length > 65_536) end(/"server_name":"([^"]+)"/.exec(line)?.[1]);
    });
  });
}
