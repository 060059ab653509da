import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { waitUntil } from "@nexus/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type NatsText, openNats } from "../src/nats-text.ts";

/** What a server says arrives whole however it is cut, and what it wants to hear is said; against a made-up server. */

let server: Server;
let peer: Socket;
let heard = "";
let nats: NatsText;
const messages: [string, string][] = [];

beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  heard = "";
  messages.length = 0;
  nats = openNats("127.0.0.1", port, "test", (subject, body) => messages.push([subject, body]));
  [peer] = (await once(server, "connection")) as [Socket];
  peer.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  peer.write('INFO {"server_name":"made-up"}\r\n');
});
afterEach(() => {
  peer.destroy();
  server.close();
});

const hears = (text: string) => waitUntil(() => heard.includes(text), { what: `the server hears ${JSON.stringify(text)}` });

it("answers a PING, or the server would take it for dead", async () => {
  peer.write("PING\r\n");
  await hears("PONG\r\n");
});

it("says what it wants in the server's words, with bytes and not characters counted", async () => {
  nats.subscribe("a.in");
  nats.subscribe("b.in");
  nats.publish("c", { text: "ü" });
  await hears('SUB a.in 1\r\nSUB b.in 2\r\nPUB c 13\r\n{"text":"ü"}\r\n');
  expect(heard).toMatch(/^CONNECT \{.*\}\r\n/);
});

it("takes messages apart, wherever they are cut", async () => {
  const bytes = Buffer.from('MSG a.in 1 8\r\n{"a":1}\n\r\nMSG b.in 2 _INBOX.x 4\r\n"ü"\r\nPING\r\n');
  for (const byte of bytes) {
    peer.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await hears("PONG");
  expect(messages).toEqual([
    ["a.in", '{"a":1}\n'],
    ["b.in", '"ü"'],
  ]);
});

it("has flushed when the server says so, and not before", async () => {
  let flushed = false;
  const flush = nats.flush().then(() => {
    flushed = true;
  });
  await hears("PING\r\n");
  expect(flushed).toBe(false);
  peer.write("PONG\r\n");
  await flush;
});

it("tells why the connection ended", async () => {
  peer.write("-ERR 'Authorization Violation'\r\n");
  peer.end();
  expect(await nats.closed).toBe("-ERR 'Authorization Violation'");
  await nats.flush(); // waits for nobody
});
