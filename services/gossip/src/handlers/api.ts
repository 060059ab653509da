import {
  type GossipConverged,
  type GossipConvergedQuery,
  type GossipEntry,
  type GossipGet,
  type GossipMembers,
  type GossipPage,
  type GossipPut,
  type GossipWritten,
  gossipConvergedQuerySchema,
  gossipGetSchema,
  gossipPutSchema,
  type JsonValue,
  limits,
  NexusError,
  parseFrame,
  WIRE_VERSION,
} from "@nexus/contracts";
import { type Entry, nodeOf, type Refusal } from "@nexus/core-gossip";
import type { Clock } from "@nexus/ports";
import type { ServiceRegistration } from "@nexus/runtime";
import type { GossipNode } from "../node.ts";

/** What is asked of a node, by verb: validate, one call, answer. */

export interface ApiDeps {
  readonly node: GossipNode;
  readonly clock: Clock;
  /** Bytes that an answer may have. */
  readonly answerBytesMax: () => number;
}

const FRESH_MS_DEFAULT = 2_000;
const WAIT_MS_DEFAULT = 1_000;
const LOOK_EVERY_MS = 20;

type Verbs = ServiceRegistration<"gossip">["verbs"];

export function gossipApi(deps: ApiDeps): Verbs {
  const { node } = deps;
  return {
    put: (body) => put(node, parseFrame(gossipPutSchema, body, "the body")),
    get: (body) => get(deps, parseFrame(gossipGetSchema, body, "the body")),
    members: () => members(deps),
    converged: (body) => converged(deps, parseFrame(gossipConvergedQuerySchema, body, "the body")),
    watch: () => {
      throw new NexusError("not-implemented", 'gossip does not do "watch" yet; ask "get" again instead');
    },
  };
}

function put(node: GossipNode, { key, value, important = false, delete: isDelete }: GossipPut): GossipWritten {
  const written = isDelete === true ? node.delete(key, important) : node.put(key, JSON.stringify(value), important);
  if (typeof written === "string") throw refusalOf(written);
  return { v: WIRE_VERSION, node: node.id, key, ...(written === undefined ? {} : { stamp: written.stamp }) };
}

function refusalOf(refusal: Refusal): NexusError {
  switch (refusal) {
    case "too-large":
      return new NexusError(
        "too-large",
        `value: at most ${limits.stateValueCharsMax} characters of JSON; keep it elsewhere and name it here`,
        {
          field: "value",
        },
      );
    case "full":
      return new NexusError(
        "overloaded",
        "the shared state is full: delete keys, or raise NEXUS_GOSSIP_KEYS_MAX or NEXUS_GOSSIP_BYTES_MAX",
      );
    case "invalid":
    case "too-far-ahead":
      return new NexusError("invalid-field", `key: the state refused it as ${refusal}`, { field: "key" });
  }
}

function get(
  { node, answerBytesMax }: ApiDeps,
  { key, prefix = "", offset = 0, limit = limits.pageRowsMax }: GossipGet,
): GossipPage {
  const { state } = node;
  const one = key === undefined ? undefined : state.get(key);
  const found =
    key === undefined ? [...state.values()].filter((entry) => entry.key.startsWith(prefix)) : one === undefined ? [] : [one];
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  const entries: GossipEntry[] = [];
  let bytes = 0;
  for (const entry of found.slice(offset, offset + limit)) {
    bytes += entry.key.length + entry.value.length * 2 + 200; // twice: what JSON may escape
    if (entries.length > 0 && bytes > answerBytesMax()) break;
    entries.push(entryOf(entry));
  }
  const next = offset + entries.length;
  const isMore = next < found.length && entries.length > 0;
  return { v: WIRE_VERSION, node: node.id, total: found.length, entries, ...(isMore ? { next } : {}) };
}

function entryOf({ key, value, stamp, session }: Entry): GossipEntry {
  return { key, value: JSON.parse(value) as JsonValue, stamp, node: nodeOf(session) };
}

function members({ node, clock }: ApiDeps): GossipMembers {
  const nowMs = clock.monotonicMs();
  const all = node.members().toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    v: WIRE_VERSION,
    node: node.id,
    total: all.length,
    members: all.slice(0, limits.membersMax).map(({ id, state, incarnation, sinceMs, meta: { service, version } }) => ({
      ...{ id, state, incarnation, sinceMs: Math.max(0, nowMs - sinceMs) },
      ...(service === undefined ? {} : { service }),
      ...(version === undefined ? {} : { version }),
    })),
  };
}

/** Asks whoever has said nothing lately, and looks until all agree or the time is up. */
async function converged(
  { node, clock }: ApiDeps,
  { freshMs = FRESH_MS_DEFAULT, waitMs = WAIT_MS_DEFAULT }: GossipConvergedQuery,
): Promise<GossipConverged> {
  const untilMs = clock.monotonicMs() + waitMs;
  let evidence = node.convergence(freshMs);
  if (!evidence.converged) node.ask(freshMs / 2);
  while (!evidence.converged && clock.monotonicMs() < untilMs) {
    await new Promise<void>((resolve) => clock.schedule(LOOK_EVERY_MS, resolve));
    evidence = node.convergence(freshMs);
  }
  return {
    v: WIRE_VERSION,
    node: node.id,
    converged: evidence.converged,
    hash: evidence.hash,
    keys: node.state.size,
    members: evidence.members.slice(0, limits.membersMax).map(({ node: member, hash, ageMs, agrees }) => ({
      ...{ node: member, agrees },
      ...(hash === undefined ? {} : { hash }),
      ...(ageMs === undefined ? {} : { ageMs }),
    })),
  };
}
