import { NexusError } from "@nexus/contracts";
import type { Bus, BusMessage, ServiceDefinition } from "@nexus/ports";
import { describe, expect, test } from "vitest";
import type { BusContext } from "./bus.ts";
import { bytes, codeOf, text } from "./bus-fixture.ts";
import { until } from "./waiting.ts";

/** The NATS services framework, as `nats micro` reads it. */
export function describeServices({ connect, subject }: BusContext): void {
  const definitionOf = (name: string, s: string, maxPayloadBytes: number): ServiceDefinition => ({
    name,
    version: "1.2.3",
    description: "for the test",
    metadata: { zone: "a" },
    endpoints: [
      {
        name: "echo",
        subject: `${s}.echo`,
        metadata: { kind: "e" },
        handler: (message) => ({ data: message.data, headers: { h: "1" } }),
      },
      {
        name: "fails",
        subject: `${s}.fails`,
        queue: "own",
        handler: async () => Promise.reject(new NexusError("overloaded", "too\r\nmuch")),
      },
      {
        name: "refuses",
        subject: `${s}.refuses`,
        handler: () => ({
          data: bytes("why"),
          error: { code: "not-found", message: "gone", retryable: false, executed: "none" },
        }),
      },
      { name: "silent", subject: `${s}.silent`, handler: () => undefined },
      { name: "slow", subject: `${s}.slow`, handler: slow },
      { name: "huge", subject: `${s}.huge`, handler: () => ({ data: new Uint8Array(maxPayloadBytes + 1) }) },
    ],
  });
  const ask = async (bus: Bus, path: string): Promise<Record<string, unknown>> =>
    JSON.parse(text(await bus.request(`$SRV.${path}`, new Uint8Array(0), { timeoutMs: 5_000 })));

  describe("services", () => {
    test("answer PING and INFO, by name and id", async () => {
      const [bus, client] = [await connect(), await connect()];
      const s = subject();
      const name = s.replaceAll(".", "-");
      const handle = await bus.serve(definitionOf(name, s, bus.maxPayloadBytes));
      const identity = { name, id: handle.id, version: "1.2.3", metadata: { zone: "a" } };
      for (const path of [`PING.${name}`, `PING.${name}.${handle.id}`]) {
        expect(await ask(client, path)).toEqual({ type: "io.nats.micro.v1.ping_response", ...identity });
      }
      const info = await ask(client, `INFO.${name}`);
      expect(info).toMatchObject({ type: "io.nats.micro.v1.info_response", ...identity, description: "for the test" });
      const endpoints = info["endpoints"] as Record<string, unknown>[];
      expect(endpoints[0]).toEqual({ name: "echo", subject: `${s}.echo`, queue_group: "q", metadata: { kind: "e" } });
      expect(endpoints[1]).toMatchObject({ name: "fails", queue_group: "own" });
      await handle.stop();
      expect(await codeOf(() => ask(client, `PING.${name}`))).toBe("no-responders");
      expect(await codeOf(() => client.request(`${s}.echo`, bytes("x"), { timeoutMs: 5_000 }))).toBe("no-responders");
    });

    test("each of several answers a PING to all", async () => {
      const [bus, client] = [await connect(), await connect()];
      const s = subject();
      const name = s.replaceAll(".", "-");
      const handles = await Promise.all([1, 2].map(() => bus.serve(definitionOf(name, s, bus.maxPayloadBytes))));
      const inbox = client.newInbox();
      const ids = new Set<unknown>();
      client.subscribe(inbox, (message) => void ids.add(JSON.parse(text(message)).id));
      client.publish("$SRV.PING", new Uint8Array(0), { reply: inbox });
      await until("both answer", () => handles.every((handle) => ids.has(handle.id)));
      for (const handle of handles) await handle.stop();
    });

    test("answer the framework's questions only where they may", async () => {
      const [bus, client] = [await connect(), await connect()];
      const s = subject();
      const name = s.replaceAll(".", "-");
      const allowed = `${s}.allowed`;
      const handle = await bus.serve({
        ...definitionOf(name, s, bus.maxPayloadBytes),
        answersAt: (reply) => reply === allowed,
      });
      const heard: string[] = [];
      client.subscribe(`${s}.>`, (message) => void heard.push(message.subject));
      await client.flush();
      for (const verb of ["PING", "INFO", "STATS"]) {
        for (const reply of [`${s}.elsewhere`, allowed]) {
          client.publish(`$SRV.${verb}.${name}`, new Uint8Array(0), { reply });
        }
      }
      await until("it is answered where it may be", () => heard.length >= 3);
      await client.flush();
      expect(heard).toEqual([allowed, allowed, allowed]);
      await handle.stop();
    });

    test("count requests, errors and times, and tell errors in headers", async () => {
      const [bus, client] = [await connect(), await connect()];
      const s = subject();
      const name = s.replaceAll(".", "-");
      const errors: string[] = [];
      bus.onError((error) => void errors.push(error.message));
      const handle = await bus.serve(definitionOf(name, s, bus.maxPayloadBytes));
      const call = (endpoint: string): Promise<BusMessage> =>
        client.request(`${s}.${endpoint}`, bytes("x"), { timeoutMs: 5_000 });

      const echo = await call("echo");
      expect([text(echo), echo.headers["h"], echo.headers["Nats-Service-Error"]]).toEqual(["x", "1", undefined]);
      expect({ ...(await call("fails")).headers }).toEqual({
        "Nats-Service-Error": "too much",
        "Nats-Service-Error-Code": "429",
      });
      const refused = await call("refuses");
      expect(text(refused)).toBe("why");
      expect({ ...refused.headers }).toEqual({ "Nats-Service-Error": "gone", "Nats-Service-Error-Code": "404" });
      await call("slow");
      expect((await call("huge")).headers["Nats-Service-Error-Code"]).toBe("413");
      client.publish(`${s}.silent`, bytes("x"));
      await client.flush();

      let stats: Record<string, unknown>[] = [];
      await until("all are counted", async () => {
        stats = (await ask(client, `STATS.${name}.${handle.id}`))["endpoints"] as Record<string, unknown>[];
        return stats.every((endpoint) => endpoint["num_requests"] === 1);
      });
      const of = (endpoint: string): Record<string, unknown> => stats.find((each) => each["name"] === endpoint) ?? {};
      expect(stats.map((endpoint) => endpoint["num_errors"])).toEqual([0, 1, 1, 0, 0, 1]);
      expect(of("fails")["last_error"]).toBe("too\r\nmuch");
      expect(of("refuses")["last_error"]).toBe("gone");
      expect(of("slow")["processing_time"]).toBeGreaterThan(20e6);
      expect(of("slow")["average_processing_time"]).toBe(of("slow")["processing_time"]);
      expect(of("echo")["processing_time"]).toBeLessThan(20e6);
      expect(errors).toContain("too\r\nmuch");
      expect(errors).toHaveLength(2);
      await handle.stop();
    });
  });
}

/** Takes 30 ms, all of it after its promise was made. */
async function slow(message: BusMessage): Promise<{ data: Uint8Array }> {
  await new Promise((resolve) => setTimeout(resolve, 30));
  return { data: message.data };
}
