import { type serviceNames, understands, WIRE_VERSION } from "@nexus/contracts";
import { scatter } from "../bus/scatter.ts";
import type { Bus } from "../session.ts";
import { failed, type Outcome, ok, warning } from "./check.ts";

/** One instance, as the NATS services framework tells it. */
export interface ServiceInstance {
  readonly name: string;
  readonly version: string;
  /** What its metadata calls it; absent where it does not. */
  readonly instance?: string;
  /** Absent where its metadata does not tell. */
  readonly wire?: { readonly min: number; readonly max: number };
  /** First tokens of its subjects; absent where it names none. */
  readonly prefix?: string;
}

const NAME_PREFIX = "nexus-";

type Kind = (typeof serviceNames)[number];

/** What falls away without it. */
const meaning: Readonly<Record<Kind, string>> = {
  router: "nobody takes requests",
  consensus: "no decisions are kept in a log",
  gossip: "no shared state, and no second view of failures",
  predictor: "no predictions",
  adaptive: "no policy: the last known ceiling stays",
  console: "traces go to another receiver, or nowhere",
};

/** Asks every service on the bus for its `$SRV.INFO` (ADR-32 of nats-architecture-and-design) and keeps ours. */
export async function findServices(bus: Bus): Promise<ServiceInstance[]> {
  const found = await scatter(bus, "$SRV.INFO", new Uint8Array(), instanceOf);
  return found.filter((instance) => instance !== undefined);
}

export function instanceOf(info: unknown): ServiceInstance | undefined {
  if (info === null || typeof info !== "object") return undefined;
  const { name, version, metadata, endpoints } = info as Record<string, unknown>;
  if (typeof name !== "string" || !name.startsWith(NAME_PREFIX) || typeof version !== "string") return undefined;
  const told = (metadata ?? {}) as Record<string, unknown>;
  const [min, max] = [Number(told["wire_min"]), Number(told["wire_max"])];
  const prefix = prefixOf(endpoints, name.slice(NAME_PREFIX.length));
  return {
    name,
    version,
    ...(typeof told["instance"] === "string" ? { instance: told["instance"] } : {}),
    ...(Number.isInteger(min) && Number.isInteger(max) ? { wire: { min, max } } : {}),
    ...(prefix === undefined ? {} : { prefix }),
  };
}

/** From the endpoint that every service has, `<prefix>.<service>.health`. */
function prefixOf(endpoints: unknown, service: string): string | undefined {
  if (!Array.isArray(endpoints)) return undefined;
  const end = `.${service}.health`;
  const subjects = endpoints.map((endpoint: { subject?: unknown } | null) => endpoint?.subject);
  const health = subjects.find((subject): subject is string => typeof subject === "string" && subject.endsWith(end));
  return health?.slice(0, -end.length);
}

/** @param required services whose absence is a failure; the router's always is */
export function servicesFinding(
  instances: readonly ServiceInstance[],
  kinds: readonly Kind[],
  required: readonly string[],
): Outcome {
  if (instances.length === 0) return failed("no service answers $SRV.INFO", "start the services (nexus up)");
  const detail = listed(instances);
  const strange = instances.find(({ wire }) => wire !== undefined && !understands(wire));
  if (strange !== undefined) {
    const range = `${strange.wire?.min}–${strange.wire?.max}`;
    const remedy = `${strange.name} ${strange.version} speaks wire versions ${range} and this command ${WIRE_VERSION}: bring them to one release`;
    return failed(detail, remedy);
  }
  const missing = kinds.filter((kind) => !instances.some(({ name }) => name === `${NAME_PREFIX}${kind}`));
  const told = missing.map((kind) => `${kind} (${meaning[kind]})`).join(", ");
  const needed = missing.filter((kind) => kind === "router" || required.includes(kind));
  if (needed.length > 0)
    return failed(`${detail}; not there: ${told}`, `start ${needed.join(", ")}: node services/<name>/src/main.ts, or nexus up`);
  const versions = new Set(instances.map(({ version }) => version));
  if (versions.size > 1)
    return warning(detail, `versions ${[...versions].sort().join(", ")} run side by side; finish the upgrade`);
  const absent = missing.filter((kind) => kind !== "console");
  if (absent.length === 0) return ok(detail);
  return warning(`${detail}; not there: ${told}`, `start ${absent.join(", ")} if you want what falls away without`);
}

/** `0.1.0 (wire 1–1): adaptive, 2 × router` for each version. */
function listed(instances: readonly ServiceInstance[]): string {
  const releases = Map.groupBy(instances, ({ version, wire }) => {
    return `${version}${wire === undefined ? "" : ` (wire ${wire.min}–${wire.max})`}`;
  });
  const told = [...releases].map(([release, members]) => {
    const kinds = Map.groupBy(members, ({ name }) => name.slice(NAME_PREFIX.length));
    const names = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1));
    return `${release}: ${names.map(([kind, { length }]) => (length === 1 ? kind : `${length} × ${kind}`)).join(", ")}`;
  });
  return told.sort().join("; ");
}
