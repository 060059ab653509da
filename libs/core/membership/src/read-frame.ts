import { type FrameBody, type MemberState, type Meta, type SwimFrame, swimLimits, type Update } from "./frames.ts";

/**
 * Reads what was decoded from the wire, written by hand because frames come often and a schema library costs more than all
 * that follows. Nothing here throws, whatever the value; what comes out shares no mutable part with it.
 */

const ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const META_KEY = /^[a-z][A-Za-z0-9_-]{0,31}$/;
const states: ReadonlySet<unknown> = new Set<MemberState>(["alive", "suspect", "dead", "left"]);

export function isMemberId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

/** Undefined for what is no frame of this version. O(size of the frame). */
export function readSwimFrame(value: unknown): SwimFrame | undefined {
  if (!isRecord(value) || value["v"] !== 1) return undefined;
  const { from, to, incarnation } = value;
  if (!isMemberId(from) || !isMemberId(to) || !isIncarnation(incarnation)) return undefined;
  const meta = readMeta(value["meta"]);
  const updates = readSwimUpdates(value["updates"]);
  const body = readBody(value);
  if (meta === undefined || updates === undefined || body === undefined) return undefined;
  return { v: 1, from, to, incarnation, meta, updates, ...body };
}

/** The same for updates that another frame carries; undefined where one is wrong, since its sender is then not to be trusted. */
export function readSwimUpdates(value: unknown): readonly Update[] | undefined {
  if (!Array.isArray(value) || value.length > swimLimits.updatesMax) return undefined;
  const updates: Update[] = [];
  for (const item of value as unknown[]) {
    const update = readUpdate(item);
    if (update === undefined) return undefined;
    updates.push(update);
  }
  return updates;
}

/** Undefined for what is too large, or holds anything but text. */
export function readMeta(value: unknown): Meta | undefined {
  if (!isRecord(value)) return undefined;
  const keys = Object.keys(value);
  if (keys.length > swimLimits.metaKeysMax) return undefined;
  const meta: Record<string, string> = {};
  for (const key of keys) {
    const text = value[key];
    if (!META_KEY.test(key) || typeof text !== "string" || text.length > swimLimits.metaTextMax) return undefined;
    meta[key] = text;
  }
  return meta;
}

export function isIncarnation(value: unknown): value is number {
  return isCount(value, swimLimits.incarnationMax);
}

function readBody(value: Readonly<Record<string, unknown>>): FrameBody | undefined {
  const { kind, seq, target, digest, back } = value;
  switch (kind) {
    case "ping":
    case "ack":
    case "nack":
      return isSeq(seq) ? { kind, seq } : undefined;
    case "ping-req":
      return isSeq(seq) && isMemberId(target) ? { kind, seq, target } : undefined;
    case "news":
      return { kind };
    case "sync":
      return isSeq(digest) && typeof back === "boolean" ? { kind, digest, back } : undefined;
    default:
      return undefined;
  }
}

function readUpdate(value: unknown): Update | undefined {
  if (!isRecord(value)) return undefined;
  const { id, incarnation, state } = value;
  if (!isMemberId(id) || !isIncarnation(incarnation) || !states.has(state)) return undefined;
  const meta = readMeta(value["meta"]);
  if (meta === undefined) return undefined;
  const update = { id, incarnation, state: state as MemberState, meta };
  if (state === "alive") return update;
  if (state !== "suspect") return isAge(value["ageMs"]) ? { ...update, ageMs: value["ageMs"] } : undefined;
  const by = value["by"];
  if (!Array.isArray(by) || by.length > swimLimits.accusersMax || !by.every(isMemberId)) return undefined;
  return { ...update, by: [...by] };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSeq(value: unknown): value is number {
  return isCount(value, swimLimits.seqMax);
}

function isAge(value: unknown): value is number {
  return isCount(value, Number.MAX_SAFE_INTEGER);
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
