import { createConnection } from "node:net";
import { NexusError } from "@nexus/contracts";

export interface Greeting {
  readonly name: string;
  readonly version: string;
  readonly maxPayloadBytes: number;
  readonly jetstream: boolean;
}

const GREETING_CHARS_MAX = 65_536;

/**
 * What a NATS server says of itself before anything is asked: `INFO {…}`. It needs no credentials, so it tells a server
 * that is away from one that refuses us.
 * @throws NexusError `disconnected`, `invalid-field`
 */
export function readGreeting(server: string, withinMs: number): Promise<Greeting> {
  const { host, port } = addressOf(server);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    const fail = (why: string) => {
      socket.destroy();
      reject(new NexusError("disconnected", `no NATS server at ${host}:${port}: ${why}`));
    };
    const timer = setTimeout(() => fail(`it says nothing within ${withinMs} ms`), withinMs);
    socket.once("close", () => {
      clearTimeout(timer);
      fail("it closed the connection without a greeting");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\r\n");
      if (end < 0 && text.length < GREETING_CHARS_MAX) return;
      const greeting = parseGreeting(text.slice(0, end));
      if (greeting === undefined) return fail("what answers there is no NATS server");
      socket.destroy();
      resolve(greeting);
    });
  });
}

export function parseGreeting(line: string): Greeting | undefined {
  if (!line.startsWith("INFO ")) return undefined;
  try {
    const info = JSON.parse(line.slice("INFO ".length)) as Record<string, unknown>;
    const { server_name: name, version, max_payload: maxPayloadBytes } = info;
    if (typeof version !== "string" || typeof maxPayloadBytes !== "number") return undefined;
    const jetstream = info["jetstream"] === true;
    return { name: typeof name === "string" ? name : "nats-server", version, maxPayloadBytes, jetstream };
  } catch {
    return undefined;
  }
}

export function addressOf(server: string): { host: string; port: number } {
  const address = server.trim();
  try {
    const url = new URL(address.includes("://") ? address : `nats://${address}`);
    if (url.hostname === "") throw new TypeError("no host");
    return { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? 4222 : Number(url.port) };
  } catch (error) {
    throw new NexusError("invalid-field", "the server must be nats://host:port", { field: "server", cause: error });
  }
}
