import { NexusError } from "@nexus/contracts";
import protobuf from "protobufjs/light.js";
import { z } from "zod";
import { clip, type OtlpSpan, resourceOf, spanOf, spanSchema } from "./normalise.ts";
import { envelope, otlpTypes } from "./otlp-types.ts";
import { type ReceivedResource, type ReceivedSpan, type ReceivedTraces, receiveLimits } from "./received-span.ts";

/**
 * Reads an OTLP export request for traces.
 *
 * Invariants
 * D1. What is not understood loses its own span alone, and is counted; only a broken envelope is refused whole.
 * D2. Spans are decoded one by one out of a lazily walked envelope, each within bounds, so that no body makes us build
 *     much more than what is kept of it.
 */
export type OtlpEncoding = "protobuf" | "json";

/** @throws NexusError `malformed` */
export function decodeTraces(body: Uint8Array, encoding: OtlpEncoding): ReceivedTraces {
  const kept = new Kept();
  try {
    if (encoding === "json") readJson(body, kept);
    else readProtobuf(body, kept);
  } catch (error) {
    throw new NexusError("malformed", `not an OTLP export request in ${encoding}: ${(error as Error).message}`, { cause: error });
  }
  return kept;
}

/** Bounded, with a count of what is not in it. */
class Kept implements ReceivedTraces {
  readonly spans: ReceivedSpan[] = [];
  rejected = 0;
  reason: string | undefined;
  /** Spans that were tried: reading what is refused costs as much. */
  #read = 0;

  add(read: () => ReceivedSpan): void {
    if (this.#read++ >= receiveLimits.spansMax) return this.#reject(`more than ${receiveLimits.spansMax} spans in a request`);
    try {
      this.spans.push(read());
    } catch (error) {
      this.#reject(error instanceof z.ZodError ? messageOf(error) : (error as Error).message); // D1
    }
  }

  #reject(reason: string): void {
    this.rejected++;
    this.reason ??= reason.slice(0, 256);
  }
}

function messageOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "not a span" : `${issue.path.join(".")}: ${issue.message}`;
}

const asJson = { longs: String, bytes: String, defaults: false } as const;

function readProtobuf(body: Uint8Array, kept: Kept): void {
  for (const resourceSpans of partsOf(body, envelope.resourceSpans)) {
    const resource = once(() => protobufResource(resourceSpans));
    for (const scopeSpans of partsOf(resourceSpans, envelope.scopeSpans)) {
      const scope = once(() => protobufScope(scopeSpans));
      for (const span of partsOf(scopeSpans, envelope.spans)) kept.add(() => protobufSpan(span, resource(), scope()));
    }
  }
}

/** What spans share is read when the first of them is, and not again, whatever came of it (D2). */
function once<T>(read: () => T): () => T {
  let known: (() => T) | undefined;
  return () => {
    known ??= settledOf(read);
    return known();
  };
}

function settledOf<T>(read: () => T): () => T {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The length-delimited fields of a message that have the number, one after the other (D2). */
function* partsOf(message: Uint8Array, number: number): Generator<Uint8Array> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === number && (tag & 7) === 2) yield reader.bytes();
    else reader.skipType(tag & 7);
  }
}

function protobufResource(resourceSpans: Uint8Array): ReceivedResource {
  const [bytes] = partsOf(resourceSpans, envelope.resource);
  if (bytes === undefined || bytes.byteLength > receiveLimits.spanBytesMax) return resourceOf([]);
  const { resource } = otlpTypes;
  return resourceOf(resource.toObject(resource.decode(bytes), asJson)["attributes"]);
}

function protobufScope(scopeSpans: Uint8Array): string {
  const [bytes] = partsOf(scopeSpans, envelope.scope);
  if (bytes === undefined || bytes.byteLength > receiveLimits.spanBytesMax) return "";
  const { name } = otlpTypes.scope.toObject(otlpTypes.scope.decode(bytes), asJson);
  return clip(typeof name === "string" ? name : "");
}

function protobufSpan(bytes: Uint8Array, resource: ReceivedResource, scope: string): ReceivedSpan {
  if (bytes.byteLength > receiveLimits.spanBytesMax) {
    throw new RangeError(`a span of ${bytes.byteLength} bytes; at most ${receiveLimits.spanBytesMax} are read`);
  }
  // The decoder vouches for every type, so that the schema, which costs more than all the rest, has nothing to add to it.
  const span = otlpTypes.span.toObject(otlpTypes.span.decode(bytes), asJson) as OtlpSpan;
  const links = span.links?.map((link) => ({ traceId: hexId(link.traceId, 16), spanId: hexId(link.spanId, 8) }));
  const parentSpanId = span.parentSpanId ? hexId(span.parentSpanId, 8) : "";
  const ids = { traceId: hexId(span.traceId, 16), spanId: hexId(span.spanId, 8), parentSpanId };
  return spanOf({ ...span, ...ids, links }, resource, scope);
}

/** Ids are base64 in protobuf's own JSON and hexadecimal in OTLP's. */
function hexId(base64: string | undefined, bytes: number): string {
  const id = Buffer.from(base64 ?? "", "base64");
  if (id.byteLength !== bytes || id.every((byte) => byte === 0))
    throw new RangeError(`an id of ${id.byteLength} bytes, or all zeros`);
  return id.toString("hex");
}

const list = z.array(z.unknown()).nullish();
const requestSchema = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: z.unknown().optional() }).nullish(),
        scopeSpans: z.array(z.object({ scope: z.object({ name: z.string().nullish() }).nullish(), spans: list })).nullish(),
      }),
    )
    .nullish(),
});

function readJson(body: Uint8Array, kept: Kept): void {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  const parsed = requestSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(messageOf(parsed.error));
  for (const { resource, scopeSpans } of parsed.data.resourceSpans ?? []) {
    const known = resourceOf(resource?.attributes);
    for (const { scope, spans } of scopeSpans ?? []) {
      for (const span of spans ?? []) kept.add(() => spanOf(spanSchema.parse(span), known, clip(scope?.name ?? "")));
    }
  }
}
