import { createConnection } from "node:net";
import { connect as connectTls } from "node:tls";
import { NexusError } from "@nexus/contracts";

/**
 * One PING, with the URL's credentials. https://redis.io/docs/latest/develop/reference/protocol-spec/
 * @returns milliseconds from connecting to the answer
 * @throws NexusError `store-unavailable`, `invalid-field`
 */
export function pingRedis(redisUrl: string, withinMs: number): Promise<number> {
  const url = parseUrl(redisUrl);
  const address = { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? 6379 : Number(url.port) };
  const auth = url.password === "" ? [] : [command("AUTH", ...credentials(url))];
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const socket = url.protocol === "rediss:" ? connectTls({ ...address, servername: address.host }) : createConnection(address);
    const fail = (why: string) => {
      socket.destroy();
      reject(new NexusError("store-unavailable", `no Redis at ${address.host}:${address.port}: ${why}`));
    };
    const timer = setTimeout(() => fail(`no answer within ${withinMs} ms`), withinMs);
    socket.once("close", () => {
      clearTimeout(timer);
      fail("it closed the connection");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(0, 4_096);
      const lines = text.split("\r\n");
      const refused = lines.find((line) => line.startsWith("-"));
      if (refused !== undefined) return fail(refused.slice(1));
      if (!lines.includes("+PONG")) return;
      socket.destroy();
      resolve(performance.now() - beganMs);
    });
    socket.write([...auth, command("PING")].join(""));
  });
}

function credentials(url: URL): string[] {
  const password = decodeURIComponent(url.password);
  return url.username === "" ? [password] : [decodeURIComponent(url.username), password];
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === "redis:" || url.protocol === "rediss:") && url.hostname !== "") return url;
  throw new NexusError("invalid-field", "REDIS_URL must be redis://host:port or rediss://host:port", { field: "REDIS_URL" });
}
