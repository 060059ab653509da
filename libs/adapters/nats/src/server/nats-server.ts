import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { delimiter, join } from "node:path";
import { NexusError } from "@nexus/contracts";

export interface NatsServerOptions {
  /** Path of nats-server; found on PATH and in the usual places where it is absent. */
  readonly binary?: string;
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly jetstreamDir?: string;
  /** Path of a configuration file, given besides. */
  readonly configFile?: string;
  readonly startTimeoutMs?: number;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly name: string;
  readonly pid: number;
  /** The last lines that it logged. */
  logTail(): string;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const LOG_CHARS_MAX = 16_384;

/**
 * Starts a nats-server of our own as a child process, and waits until it answers under its own name: another server that
 * happens to hold the port is never taken for it.
 * @throws NexusError `disconnected` with what the server said
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = options.binary ?? findNatsServer();
  const host = options.host ?? "127.0.0.1";
  const name = `nexus-${randomBytes(6).toString("hex")}`;
  const wanted = options.port === undefined || options.port === 0 ? -1 : options.port;
  const args = ["-a", host, "-p", String(wanted), "-n", name];
  if (options.jetstreamDir !== undefined) args.push("-js", "-sd", options.jetstreamDir);
  if (options.configFile !== undefined) args.push("-c", options.configFile);
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const log = collectLog(child);
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  exited.finally(() => process.removeListener("exit", endWithUs));
  try {
    const port = await listeningPort(child, log, options.startTimeoutMs ?? 10_000);
    await checkName(host, port, name);
    return {
      url: `nats://${host}:${port}`,
      port,
      name,
      pid: child.pid ?? 0,
      logTail: log.tail,
      kill: (signal) => child.kill(signal),
      async stop() {
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
        await exited;
        clearTimeout(timer);
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** @throws NexusError `not-found`, saying where it was looked for */
export function findNatsServer(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment["NEXUS_NATS_SERVER"];
  if (named !== undefined && named !== "") return named;
  const folders = [
    ...(environment["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
  ];
  const found = folders.map((folder) => join(folder, "nats-server")).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new NexusError(
    "not-found",
    "nats-server is neither on PATH nor named by NEXUS_NATS_SERVER; install it (apt-get install nats-server, brew install nats-server)",
  );
}

interface ServerLog {
  tail(): string;
  onLine(listener: (text: string) => void): void;
}

function collectLog(child: ChildProcess): ServerLog {
  let text = "";
  const listeners: ((text: string) => void)[] = [];
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-LOG_CHARS_MAX);
    for (const listener of listeners) listener(text);
  });
  return { tail: () => text, onLine: (listener) => listeners.push(listener) };
}

function listeningPort(child: ChildProcess, log: ServerLog, withinMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(new NexusError("disconnected", `nats-server ${why}: ${log.tail().trim().split("\n").slice(-3).join(" | ")}`));
    };
    const timer = setTimeout(() => fail(`was not ready within ${withinMs} ms`), withinMs);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended at once (${code ?? signal})`));
    log.onLine((text) => {
      const port = /Listening for client connections on \S+:(\d+)/.exec(text)?.[1];
      if (port === undefined || !/Server is ready/.test(text)) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

/** A NATS server greets with `INFO {…}`, its name in it. */
function checkName(host: string, port: number, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    const fail = (why: string) => {
      socket.destroy();
      reject(new NexusError("disconnected", `port ${port} does not answer as our nats-server: ${why}`));
    };
    socket.setTimeout(3_000, () => fail("it says nothing"));
    socket.once("error", (error) => fail(error.message));
    let greeting = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      greeting += chunk;
      if (!greeting.includes("\r\n")) return;
      if (!greeting.includes(`"server_name":"${name}"`)) return fail("it has another name");
      socket.destroy();
      resolve();
    });
  });
}
