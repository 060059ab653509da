/**
 * Headers as any publisher may write them, byte by byte, over a real nats-server: what cannot be read is a message that is
 * not understood, and never the end of the connection or a long silence.
 */
import { connect, type Socket } from "node:net";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { limits } from "@nexus/contracts";
import type { Bus, BusHeaders, BusMessage } from "@nexus/ports";
import { codeOf, until } from "@nexus/ports/conformance";
import fc from "fast-check";
import { headers as createHeaders, type MsgHdrs } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeaders, parseHeaders } from "../src/header-bytes.ts";
import { connectNats } from "../src/index.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const block = (...lines: string[]): string => `NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

describe("parseHeaders", () => {
  const entries = (text: string): object => ({ ...parseHeaders(bytes(text)) });

  test.each<[string, string, object]>([
    ["names and values", block("a: 1", "B:2 "), { a: "1", B: "2" }],
    ["the first of a repeated header", block("a: 1", "a: 2"), { a: "1" }],
    ["an empty value", block("a:"), { a: "" }],
    ["colons in a value", block("a: b:c"), { a: "b:c" }],
    ["a status", "NATS/1.0 503\r\n\r\n", { Status: "503" }],
    ["a status with a description", "NATS/1.0 503 No Responders\r\n\r\n", { Status: "503" }],
    ["no header at all", "NATS/1.0\r\n\r\n", {}],
  ])("reads %s", (_, text, expected) => expect(entries(text)).toEqual(expected));

  test("no name is special", () => {
    const headers = parseHeaders(bytes(block("__proto__: x", "constructor: y")));
    expect(Object.keys(headers)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(headers)).toBeNull();
  });

  test.each<[string, string]>([
    ["a name with a space", block("a b: 1")],
    ["a name with a control character", block("a\u0000: 1")],
    ["an empty name", block(": 1")],
    ["a line break in a value", block("a: 1\nb: 2")],
    ["a line without colon", block("a")],
    ["bytes that are not UTF-8", block("a: \xff")],
    ["another protocol", "HTTP/1.1\r\na: 1\r\n\r\n"],
    ["nothing", ""],
  ])("refuses %s", async (_, text) => expect(await codeOf(() => entries(text))).toBe("malformed"));

  test("is bounded, and linear in what it reads", async () => {
    const name = (index: number) => `${index.toString(36)}:`;
    const many = block(...Array.from({ length: 2_900 }, (_, index) => name(index)));
    expect(many.length).toBeLessThanOrEqual(limits.headerBytesMax);
    expect(Object.keys(parseHeaders(bytes(many)))).toHaveLength(2_900);
    const frame = block("a: ").length;
    expect(entries(block(`a: ${"x".repeat(limits.headerBytesMax - frame)}`))).toBeDefined();
    const above = block(`a: ${"x".repeat(limits.headerBytesMax - frame + 1)}`);
    expect(await codeOf(() => entries(above))).toBe("too-large");
  });
});

test("what is encoded is what the library's own class encodes, and is read again", () => {
  const names = fc.stringMatching(/^[!-9;-~]{1,20}$/).filter((name) => name !== "__proto__");
  const contents = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.dictionary(names, contents), (headers) => {
      const own = createHeaders() as MsgHdrs & { encode(): Uint8Array };
      for (const [name, value] of Object.entries(headers)) own.append(name, value);
      const encoded = encodeHeaders(headers);
      expect(encoded === undefined).toBe(Object.keys(headers).length === 0);
      if (encoded === undefined) return;
      expect(Buffer.from(encoded).toString()).toBe(Buffer.from(own.encode()).toString());
      const trimmed = Object.entries(headers).map(([name, value]) => [name, value.trim()]);
      expect({ ...parseHeaders(encoded) }).toEqual(Object.fromEntries(trimmed));
    }),
  );
});

describe("a hostile publisher", () => {
  let server: NatsServer;
  let bus: Bus;
  let hostile: Socket;
  let sid = 0;
  const write = (subject: string, header: string, data = ""): void => {
    const size = header.length + data.length;
    hostile.write(`HPUB ${subject} ${header.length} ${size}\r\n${header}${data}\r\n`, "latin1");
  };
  /** Answers every request to `subject` with this header and nothing else. */
  const answerWith = (subject: string, header: string): void => {
    hostile.write(`SUB ${subject} ${++sid}\r\nPING\r\n`);
    hostile.on("data", (chunk) => {
      const reply = new RegExp(`MSG ${subject.replaceAll(".", "\\.")} \\d+ (\\S+) `).exec(chunk.toString("latin1"))?.[1];
      if (reply !== undefined) write(reply, header);
    });
  };

  beforeAll(async () => {
    server = await startNatsServer();
    bus = await connectNats({ servers: server.url, name: "victim" });
    hostile = connect(server.port, "127.0.0.1");
    hostile.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n');
    hostile.on("data", (chunk) => void (chunk.includes("PING") && hostile.write("PONG\r\n")));
  });
  afterAll(async () => {
    hostile.destroy();
    await bus.close();
    await server.stop();
  });

  test("is read by whoever asks for the headers, and by nobody else", async () => {
    const got: BusMessage[] = [];
    bus.subscribe("in", (message) => void got.push(message));
    await bus.flush();
    write("in", block("bad name: 1"), "data");
    write("in", block("good-name: 1"), "data");
    await until("both are here", () => got.length === 2);
    const [bad, good] = got as [BusMessage, BusMessage];
    expect(await codeOf(() => bad.headers)).toBe("malformed");
    expect(Buffer.from(bad.data).toString()).toBe("data");
    expect({ ...good.headers }).toEqual({ "good-name": "1" });
  });

  test("takes no time with 170 kB of names", async () => {
    const refused: string[] = [];
    bus.subscribe("many", async (message) => void refused.push(await codeOf(() => message.headers)));
    await bus.flush();
    const beganMs = performance.now();
    const many = block(...Array.from({ length: 30_000 }, (_, index) => `${index.toString(36)}:`));
    write("many", many);
    await until("it was read", () => refused.length === 1);
    expect(refused).toEqual(["too-large"]);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
  });

  test("an endpoint is told by an error, and answers", async () => {
    const seen: BusHeaders[] = [];
    const handler = (message: BusMessage) => {
      seen.push(message.headers);
      return { data: bytes("ok") };
    };
    const definition = { name: "svc", version: "1.0.0", description: "", metadata: {} };
    const handle = await bus.serve({ ...definition, endpoints: [{ name: "e", subject: "svc.e", handler }] });
    const answers: BusMessage[] = [];
    bus.subscribe("answers", (message) => void answers.push(message));
    await bus.flush();
    write("svc.e answers", block("bad name: 1"));
    write("svc.e answers", block("fine: 1"));
    await until("both are answered", () => answers.length === 2);
    expect(answers[0]?.headers["Nats-Service-Error-Code"]).toBe("400");
    expect(seen.map((headers) => ({ ...headers }))).toEqual([{ fine: "1" }]);
    await handle.stop();
  });

  test.each([
    ["malformed", block("bad name: 1")],
    ["malformed", block("a: 1\nb")],
    ["no-responders", "NATS/1.0 503\r\n\r\n"],
  ])("who answers a request so that it fails with %s ends no subscription", async (code, header) => {
    let others = 0;
    const subscription = bus.subscribe("others", () => void others++);
    const subject = `ask.${code}.${header.length}`;
    answerWith(subject, header);
    await until("the answerer listens", async () => {
      const asked = bus.request(subject, bytes("?"), { timeoutMs: 5_000 });
      return (await codeOf(() => asked)) === code;
    });
    bus.publish("others", bytes("x"));
    await bus.flush();
    expect(others).toBe(1);
    subscription.unsubscribe();
  });
});
