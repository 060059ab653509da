import type { systemClock } from "@nexus/adapter-node";
import { decode, understands, WIRE_VERSION } from "@nexus/contracts";
import type { openBus } from "../session.ts";
import type { Outcome } from "./checks.ts";

type Bus = Awaited<ReturnType<typeof openBus>>;

/** One instance, as the NATS services framework tells it. */
export interface ServiceInstance {
  readonly name: string;
  readonly version: string;
  /** Absent where its metadata does not tell. */
  readonly wire?: { readonly min: number; readonly max: number };
}

/** Instances answer at once; nobody says how many there are, so it is the first silence that ends the question. */
const SILENCE_MS = 400;
const INSTANCES_MAX = 10_000;
const NAME_PREFIX = "nexus-";

/** Asks every service on the bus for its `$SRV.INFO` (ADR-32 of nats-architecture-and-design) and keeps ours. */
export async function findServices(bus: Bus, clock: typeof systemClock): Promise<ServiceInstance[]> {
  const found: ServiceInstance[] = [];
  const inbox = bus.newInbox();
  let heardMs = clock.monotonicMs();
  const subscription = bus.subscribe(inbox, (message) => {
    heardMs = clock.monotonicMs();
    const instance = message.data.byteLength === 0 ? undefined : instanceOf(decode(message.data));
    if (instance !== undefined && found.length < INSTANCES_MAX) found.push(instance);
  });
  try {
    bus.publish("$SRV.INFO", new Uint8Array(), { reply: inbox });
    await bus.flush();
    while (clock.monotonicMs() - heardMs < SILENCE_MS && found.length < INSTANCES_MAX) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found;
  } finally {
    subscription.unsubscribe();
  }
}

export function instanceOf(info: unknown): ServiceInstance | undefined {
  if (info === null || typeof info !== "object") return undefined;
  const { name, version, metadata } = info as Record<string, unknown>;
  if (typeof name !== "string" || !name.startsWith(NAME_PREFIX) || typeof version !== "string") return undefined;
  const told = (metadata ?? {}) as Record<string, unknown>;
  const [min, max] = [Number(told["wire_min"]), Number(told["wire_max"])];
  return { name, version, ...(Number.isInteger(min) && Number.isInteger(max) ? { wire: { min, max } } : {}) };
}

export function servicesFinding(instances: readonly ServiceInstance[]): Outcome {
  if (instances.length === 0) {
    return { state: "failed", detail: "no service answers $SRV.INFO", remedy: "start the services (nexus up)" };
  }
  const kinds = new Map<string, number>();
  for (const { name, version, wire } of instances) {
    const kind = `${name} ${version}${wire === undefined ? "" : ` (wire ${wire.min}–${wire.max})`}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const detail = [...kinds]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => (count === 1 ? kind : `${count} × ${kind}`));
  const strange = instances.find(({ wire }) => wire !== undefined && !understands(wire));
  if (strange !== undefined) {
    const remedy = `${strange.name} ${strange.version} does not speak wire version ${WIRE_VERSION}: bring it and this command to one release`;
    return { state: "failed", detail: detail.join(", "), remedy };
  }
  if (new Set(instances.map(({ version }) => version)).size > 1) {
    return { state: "warning", detail: detail.join(", "), remedy: "several versions run; finish the upgrade" };
  }
  return { state: "ok", detail: detail.join(", ") };
}
