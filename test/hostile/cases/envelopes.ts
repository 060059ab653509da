import { limits } from "@nexus/contracts";
import { gather, type HarmlessCase, type RefusedCase } from "../case.ts";
import { headerBlock } from "../wire.ts";

/** What is around a body: content types, and headers as any publisher may write them. */

const body = gather();
const control = { body, header: headerBlock("Content-Type: application/json") };
const field = "Content-Type";

const contentTypes: readonly [name: string, value: string][] = [
  ["text", "text/plain"],
  ["XML", "application/xml"],
  ["a name that MessagePack has elsewhere", "application/x-msgpack"],
  ["two at once", "application/json, application/msgpack"],
  ["a type without a subtype", "json"],
  ["a parameter alone", ";charset=utf-8"],
  ["10 kB", "a".repeat(10_000)],
  ["a look-alike", "application/js\u043en"],
  ["a terminal's escape sequence", "\u001b[2Japplication/json"],
  ["NUL within", "application/json\u0000"],
  ["__proto__", "__proto__"],
  ["a wildcard", "*/*"],
];

const malformed: readonly [name: string, header: string | Uint8Array][] = [
  ["a name with a space", headerBlock("bad name: 1")],
  ["a name with NUL", headerBlock("a\u0000: 1")],
  ["no name", headerBlock(": 1")],
  ["no colon", headerBlock("nothing")],
  ["a line feed within a value", headerBlock("Content-Type: application/json\nX: 1")],
  ["a carriage return within a value", headerBlock("Content-Type: application/json\rX: 1")],
  ["bytes that are not UTF-8", Buffer.from(headerBlock("a: \xff"), "latin1")],
  ["another protocol", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"],
  ["no first line", "Content-Type: application/json\r\n\r\n"],
  ["another version", "NATS/2.0\r\n\r\n"],
  ["a name of another script", headerBlock("\u0421ontent-Type: application/json")],
];

const around = headerBlock("Filler: ").length;
const filled = (bytes: number): string => headerBlock(`Filler: ${"x".repeat(bytes - around)}`);
const names = (count: number): string =>
  headerBlock(Array.from({ length: count }, (_, index) => `${index.toString(36)}:`).join("\r\n"));

export const envelopeCases: readonly RefusedCase[] = [
  ...contentTypes.map(
    ([name, value]): RefusedCase => ({
      name: `content type: ${name}`,
      send: { body, header: headerBlock(`Content-Type: ${value}`) },
      code: "unsupported-content-type",
      field,
      control,
    }),
  ),
  ...malformed.map(
    ([name, header]): RefusedCase => ({
      name: `header: ${name}`,
      send: { body, header },
      code: "malformed",
      field: "headers",
      control,
    }),
  ),
  {
    name: "header: a byte too many",
    send: { body, header: filled(limits.headerBytesMax + 1) },
    code: "too-large",
    field: "headers",
    control: { body, header: filled(limits.headerBytesMax) },
    limit: "headerBytesMax",
  },
  {
    name: "header: 64 kB of names",
    send: { body, header: names(12_000) },
    code: "too-large",
    field: "headers",
    control: { body, header: names(2_900) },
  },
  {
    name: "header: a megabyte of names",
    send: { body, header: names(150_000) },
    code: "too-large",
    field: "headers",
    control: { body, header: names(2_900) },
  },
];

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const headers: readonly [name: string, lines: readonly string[]][] = [
  ["a content type in upper case with a parameter", ["Content-Type: APPLICATION/JSON; charset=utf-16"]],
  ["an empty content type", ["Content-Type:"]],
  ["a content type by another spelling of its name", ["content-type: application/json"]],
  ["a second content type", ["Content-Type: application/json", "Content-Type: application/msgpack"]],
  ["__proto__ as a header", ["__proto__: polluted", "constructor: x"]],
  ["a traceparent that is none", ["traceparent: nonsense"]],
  ["a traceparent of zeros", ["traceparent: 00-00000000000000000000000000000000-0000000000000000-01"]],
  ["a traceparent of another version", [`traceparent: ff${traceparent.slice(2)}`]],
  ["a traceparent of 10 kB", [`traceparent: ${traceparent}${"-00".repeat(3_000)}`]],
  ["a tracestate of 10 kB", [`traceparent: ${traceparent}`, `tracestate: ${"a=b,".repeat(2_500)}`]],
  ["a tracestate that is none", [`traceparent: ${traceparent}`, "tracestate: ==,\u0001,,=;"]],
  ["a baggage of 10 kB", [`baggage: ${"k=v,".repeat(2_500)}`]],
  ["a baggage that is none", ["baggage: =;=,%zz,\u0007"]],
  ["the headers of an error", ["Nats-Service-Error: x", "Nats-Service-Error-Code: 500"]],
  ["a status", ["Status: 503"]],
];

export const envelopeHarmless: readonly HarmlessCase[] = [
  ...headers.map(
    ([name, lines]): HarmlessCase => ({
      name,
      send: { body, header: headerBlock(...lines) },
      result: { status: "completed", executed: "all" },
      runs: 1,
    }),
  ),
  {
    name: "the status of a server",
    send: { body, header: "NATS/1.0 503 No Responders\r\n\r\n" },
    result: { status: "completed" },
    runs: 1,
  },
];
