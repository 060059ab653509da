import { resourceAttributes } from "@nexus/contracts";
import { z } from "zod";
import {
  type ReceivedAttribute,
  type ReceivedEvent,
  type ReceivedResource,
  type ReceivedSpan,
  receivedKinds,
  receiveLimits,
} from "./received-span.ts";

/**
 * From OTLP's JSON form to what is kept. The protobuf form is brought to the same shape first, so that a span is the same
 * however it was sent. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */

const unsigned64 = z.union([z.string().regex(/^\d{1,20}$/), z.number().min(0)]);
const keyValue = z.object({ key: z.string(), value: z.unknown().optional() });
const keyValues = z.array(keyValue).nullish();
const hexId = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`))
    .transform((id) => id.toLowerCase())
    .refine((id) => !/^0+$/.test(id), "must not be all zeros");
const traceId = hexId(32);
const spanId = hexId(16);

export const spanSchema = z.object({
  traceId,
  spanId,
  parentSpanId: z.union([z.literal(""), spanId]).nullish(),
  name: z.string().nullish(),
  kind: z.int().min(0).max(5).nullish(),
  startTimeUnixNano: unsigned64.nullish(),
  endTimeUnixNano: unsigned64.nullish(),
  attributes: keyValues,
  events: z.array(z.object({ timeUnixNano: unsigned64.nullish(), name: z.string().nullish(), attributes: keyValues })).nullish(),
  links: z.array(z.object({ traceId, spanId })).nullish(),
  status: z.object({ message: z.string().nullish(), code: z.int().nullish() }).nullish(),
});
export type OtlpSpan = z.infer<typeof spanSchema>;

export function spanOf(span: OtlpSpan, resource: ReceivedResource, scope: string): ReceivedSpan {
  const { attributesMax, eventsMax, linksMax } = receiveLimits;
  const startUs = microsOf(span.startTimeUnixNano);
  const events = span.events ?? [];
  const links = span.links ?? [];
  const over = (items: readonly unknown[], max: number) => Math.max(0, items.length - max);
  const status = span.status?.code === 2 ? "error" : span.status?.code === 1 ? "ok" : "unset";
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    name: clip(span.name ?? ""),
    kind: receivedKinds[span.kind ?? 0] ?? "unspecified",
    startUs,
    durationUs: Math.max(0, microsOf(span.endTimeUnixNano) - startUs),
    attributes: attributesOf(span.attributes),
    events: events.slice(0, eventsMax).map(eventOf),
    links: links.slice(0, linksMax),
    status,
    statusMessage: clip(span.status?.message ?? ""),
    resource,
    scope,
    cut: over(span.attributes ?? [], attributesMax) + over(events, eventsMax) + over(links, linksMax),
  };
}

/** @param attributes OTLP's key-value list */
export function resourceOf(attributes: unknown): ReceivedResource {
  const parsed = keyValues.safeParse(attributes);
  const known = attributesOf(parsed.success ? parsed.data : []);
  const service = known.find(({ key }) => key === resourceAttributes.serviceName)?.value;
  return {
    service: service === undefined || service === "" ? "unknown_service" : String(service),
    attributes: known.filter(({ key }) => key !== resourceAttributes.serviceName),
  };
}

function eventOf(event: NonNullable<OtlpSpan["events"]>[number]): ReceivedEvent {
  return { atUs: microsOf(event.timeUnixNano), name: clip(event.name ?? ""), attributes: attributesOf(event.attributes) };
}

function attributesOf(list: OtlpSpan["attributes"]): ReceivedAttribute[] {
  return (list ?? []).slice(0, receiveLimits.attributesMax).map(({ key, value }) => ({ key: clip(key), value: scalarOf(value) }));
}

/** Lists and maps are kept as their JSON, as Jaeger does. */
function scalarOf(value: unknown): string | number | boolean {
  const plain = plainOf(value, 0);
  if (typeof plain === "boolean") return plain;
  if (typeof plain === "number") return Number.isFinite(plain) ? plain : String(plain);
  return clip(typeof plain === "string" ? plain : JSON.stringify(plain));
}

function plainOf(value: unknown, depth: number): unknown {
  if (depth > receiveLimits.valueDepthMax) return "…";
  if (value === null || typeof value !== "object") return "";
  const any = value as Record<string, unknown>;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = any;
  if (typeof stringValue === "string") return stringValue;
  if (typeof boolValue === "boolean") return boolValue;
  if (intValue !== undefined && intValue !== null) return integerOf(intValue);
  if (doubleValue !== undefined && doubleValue !== null) return Number(doubleValue);
  if (typeof bytesValue === "string") return bytesValue;
  const list = itemsOf(arrayValue);
  if (list !== undefined) return list.map((item) => plainOf(item, depth + 1));
  const map = itemsOf(kvlistValue);
  if (map === undefined) return "";
  return Object.fromEntries(
    map.flatMap((entry) => {
      const parsed = keyValue.safeParse(entry);
      return parsed.success ? [[parsed.data.key, plainOf(parsed.data.value, depth + 1)]] : [];
    }),
  );
}

function itemsOf(list: unknown): readonly unknown[] | undefined {
  const values = (list as { values?: unknown } | null | undefined)?.values;
  if (list === null || typeof list !== "object") return undefined;
  return Array.isArray(values) ? values.slice(0, receiveLimits.attributesMax) : [];
}

/** Beyond what a number holds exactly, its digits. */
function integerOf(value: unknown): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value).slice(0, 20);
}

function microsOf(nanos: string | number | null | undefined): number {
  if (nanos === null || nanos === undefined) return 0;
  return typeof nanos === "number" ? Math.floor(nanos / 1_000) : Number(BigInt(nanos) / 1_000n);
}

/** A copy: a part of a string keeps the whole of it in memory. */
export function clip(text: string): string {
  const { textCharsMax } = receiveLimits;
  return text.length <= textCharsMax ? text : Buffer.from(`${text.slice(0, textCharsMax - 1)}…`).toString();
}
