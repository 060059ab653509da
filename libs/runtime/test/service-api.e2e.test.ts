/** A service's API over the memory bus and over a real nats-server: the same claims on both. */
import { existsSync } from "node:fs";
import { createMemoryBroker, createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import {
  contentTypes,
  decode,
  encode,
  failureSchema,
  NexusError,
  type ServiceReport,
  serviceReportSchema,
  serviceVerbs,
} from "@nexus/contracts";
import { type Bus, type BusMessage, noTelemetry, silentLogger } from "@nexus/ports";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHealth, registerService, startUnbuiltService } from "../src/index.ts";

const natsBinary = "/usr/sbin/nats-server";
const TIMEOUT_MS = 2_000;
const services = ["consensus", "gossip", "predictor", "adaptive"] as const;

interface World {
  connect(): Promise<Bus>;
  end(): Promise<void>;
}

async function memoryWorld(): Promise<World> {
  const broker = createMemoryBroker();
  return { connect: async () => broker.connect(), end: async () => {} };
}

async function natsWorld(): Promise<World> {
  const server: NatsServer = await startNatsServer();
  return { connect: () => connectNats({ servers: server.url, name: "test" }), end: () => server.stop() };
}

describe.each([
  { name: "memory bus", world: memoryWorld, here: true },
  { name: "nats-server", world: natsWorld, here: existsSync(natsBinary) },
])("over the $name", ({ world: make, here }) => {
  if (!here) return void test.skip(`${natsBinary} is not installed`, () => {});
  let world: World;
  let bus: Bus;
  let client: Bus;
  const ids = createIds();
  const deps = () => {
    const store = createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1_000 });
    return { bus, store, clock: systemClock, ids, logger: silentLogger, telemetry: noTelemetry };
  };
  const ask = (subject: string, body?: unknown, headers: Record<string, string> = {}): Promise<BusMessage> =>
    client.request(subject, body instanceof Uint8Array ? body : encode(body ?? {}), { timeoutMs: TIMEOUT_MS, headers });
  const json = async (subject: string) => decode((await ask(subject, new Uint8Array(0))).data) as Record<string, unknown>;

  beforeAll(async () => {
    world = await make();
    bus = await world.connect();
    client = await world.connect();
  });
  afterAll(async () => {
    await client.close();
    await bus.close();
    await world.end();
  });

  test.each(services)("%s is seen by PING, INFO and STATS and refuses every verb as not implemented", async (service) => {
    const prefix = `t-${service}`;
    const running = await startUnbuiltService(service, "d", { prefix, version: "1.2.3", instance: "i-1" }, deps());
    const name = `nexus-${service}`;
    expect(await json(`$SRV.PING.${name}`)).toMatchObject({ name, id: running.id, version: "1.2.3" });
    const info = await json(`$SRV.INFO.${name}`);
    expect(info["metadata"]).toEqual({
      instance: "i-1",
      boot: expect.stringMatching(/^boot-/),
      wire_min: "1",
      wire_max: "1",
      implemented: "no",
    });
    const subjects = (info["endpoints"] as { subject: string }[]).map((endpoint) => endpoint.subject);
    const verbs = serviceVerbs[service].map((verb) => `${prefix}.${service}.${verb}`);
    expect(subjects.sort()).toEqual([...verbs, `${prefix}.services.report`].sort());
    const refused = serviceVerbs[service].filter((verb) => verb !== "health");
    for (const verb of refused) {
      const reply = await ask(`${prefix}.${service}.${verb}`);
      const { error } = failureSchema.parse(decode(reply.data));
      expect(error).toMatchObject({ code: "not-implemented", retryable: false, executed: "none" });
      expect(error.message).toContain(`${service} does not do "${verb}" yet`);
      expect(reply.headers["Nats-Service-Error-Code"]).toBe("501");
      expect(reply.headers["Nats-Service-Error"]).toBe(error.message);
    }
    const stats = (await json(`$SRV.STATS.${name}`))["endpoints"] as { name: string; num_requests: number; num_errors: number }[];
    for (const verb of refused) {
      expect(stats.find((endpoint) => endpoint.name === verb)).toMatchObject({ num_requests: 1, num_errors: 1 });
    }
    expect(await json(`${prefix}.${service}.health`)).toMatchObject({ v: 1, service, instance: "i-1", status: "ready" });
    await running.stop();
    await expect(ask(`${prefix}.${service}.health`)).rejects.toMatchObject({ code: "no-responders" });
  });

  test("every instance of every service answers with its report, with its clock and counts", async () => {
    const prefix = "reports";
    const register = (instance: string, service: "adaptive" | "gossip", epochMs: number) =>
      startUnbuiltService(
        service,
        "d",
        { prefix, version: "1.2.3", instance },
        {
          ...deps(),
          clock: { ...systemClock, epochMs: () => epochMs },
        },
      );
    const running = [await register("a1", "adaptive", 5), await register("a2", "adaptive", 6), await register("g1", "gossip", 7)];
    const reports: ServiceReport[] = [];
    const inbox = client.newInbox();
    client.subscribe(inbox, (message) => void reports.push(serviceReportSchema.parse(decode(message.data))));
    await client.flush();
    client.publish(`${prefix}.services.report`, new Uint8Array(0), { reply: inbox });
    await waitUntil(() => reports.length === 3, { what: "all three answer" });
    expect(reports.map(({ service, instance, epochMs, version }) => [service, instance, epochMs, version]).sort()).toEqual([
      ["adaptive", "a1", 5, "1.2.3"],
      ["adaptive", "a2", 6, "1.2.3"],
      ["gossip", "g1", 7, "1.2.3"],
    ]);
    expect(reports[0]).toMatchObject({ status: "ready", wire: { min: 1, max: 1 }, checks: { nats: { ok: true } } });
    for (const service of running) await service.stop();
  });

  describe("registerService", () => {
    const executed: string[] = [];
    const verb = (name: string) => `api.adaptive.${name}`;
    beforeAll(async () => {
      const registration = {
        service: "adaptive" as const,
        version: "1.0.0",
        description: "d",
        prefix: "api",
        replyPrefixes: ["_INBOX.", "allowed."],
        instance: "i",
        boot: "b",
        health: createHealth(),
        verbs: {
          policy: (body: unknown) => ({ v: 1, body }),
          rules: () => {
            throw new NexusError("overloaded", "too much", { retryAfterMs: 70 });
          },
          explain: async () => Promise.reject(new TypeError("a defect")),
          whatif: (body: unknown) => void executed.push(JSON.stringify(body)),
        },
      };
      await registerService(registration, deps());
    });

    test.each(["json", "msgpack"] as const)("answers in the request's codec: %s", async (codec) => {
      const headers = { "Content-Type": contentTypes[codec] };
      const reply = await ask(verb("policy"), encode({ a: [1, "ü"] }, codec), headers);
      expect(reply.headers["Content-Type"]).toBe(contentTypes[codec]);
      expect(decode(reply.data, codec)).toEqual({ v: 1, body: { a: [1, "ü"] } });
      const refusal = await ask(verb("rules"), encode({}, codec), headers);
      expect(failureSchema.parse(decode(refusal.data, codec)).error).toMatchObject({ code: "overloaded", retryAfterMs: 70 });
      expect(refusal.headers["Nats-Service-Error-Code"]).toBe("429");
    });

    test("A1: hostile input and defects are answered as failures, and the service lives", async () => {
      const codeOf = async (name: string, body: Uint8Array, headers = {}) =>
        failureSchema.parse(decode((await ask(verb(name), body, headers)).data)).error.code;
      const text = (value: string) => new TextEncoder().encode(value);
      expect(await codeOf("policy", text("{"))).toBe("malformed");
      expect(await codeOf("policy", text("[".repeat(100)))).toBe("too-deep");
      expect(await codeOf("policy", text("{}"), { "Content-Type": "text/xml" })).toBe("unsupported-content-type");
      expect(await codeOf("explain", text("{}"))).toBe("internal");
      expect(decode((await ask(verb("policy"))).data)).toEqual({ v: 1, body: {} });
    });

    test("A2: a reply subject that is no inbox is neither answered nor executed; an allowed one is", async () => {
      const heard: string[] = [];
      client.subscribe("forbidden.>", (message) => void heard.push(message.subject));
      client.subscribe("allowed.>", (message) => void heard.push(message.subject));
      await client.flush();
      client.publish(verb("whatif"), encode(1), { reply: "forbidden.x" });
      client.publish(verb("whatif"), encode(2), { reply: "allowed.x" });
      const deadlineMs = performance.now() + TIMEOUT_MS;
      while (heard.length === 0 && performance.now() < deadlineMs) await client.flush();
      expect(decode((await ask(verb("whatif"), 3)).data)).toBeNull(); // behind the others in the same subscription's order
      expect(heard).toEqual(["allowed.x"]);
      expect(executed).toEqual(["2", "3"]);
    });
  });
});
