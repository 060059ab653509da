import { describe, expect, it } from "vitest";
import { bench, operation, subjects } from "./bench.ts";

/** Heartbeats and hellos in virtual time: whose, how often, at whose wish, and how large. */

const announce = (router: string, heartbeatIntervalMs: number, helloWanted = false) => ({
  v: 1,
  wire: { min: 1, max: 1 },
  router,
  heartbeatIntervalMs,
  helloWanted,
});

async function beatsIn(b: Awaited<ReturnType<typeof bench>>, ms: number) {
  const before = b.heard("heartbeat").length;
  b.clock.advance(ms);
  await b.settle();
  return b.heard("heartbeat").length - before;
}

describe("heartbeats", () => {
  it("of one agent are its own; of several, the connection's in one frame", async () => {
    const b = await bench();
    const first = await b.connection.addAgent({ id: "a1", handlers: {} });
    expect(await beatsIn(b, 1_000)).toBe(1);
    expect(b.heard("heartbeat")[0]).toEqual({
      subject: "nexus.agents.a1.out.heartbeat",
      body: {
        v: 1,
        boot: first.boot,
        process: { cpu: 0.5, memory: 0.25, eventLoopDelayMs: 1 },
        inFlight: 0,
        queueDepth: 0,
        serviceTimeMs: 0,
      },
    });
    await b.connection.addAgent({ id: "a2", handlers: {} });
    expect(await beatsIn(b, 1_000)).toBe(1);
    expect(b.heard("heartbeat")[1]).toMatchObject({
      subject: "nexus.conns.c1.out.heartbeat",
      body: { agents: [{ agent: "a1" }, { agent: "a2" }] },
    });
  });

  it("tell what handlers take and what waits", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", capacity: 1, handlers: { slow: () => new Promise(() => {}), echo: () => 1 } });
    await b.send("a1", operation(0, { operation: "slow" }), operation(1));
    await beatsIn(b, 1_000);
    expect(b.heard("heartbeat").at(-1)?.body).toMatchObject({ inFlight: 1, queueDepth: 1 });
  });

  it("are split where the bus carries less", async () => {
    const b = await bench({ maxPayloadBytes: 1_500 });
    for (let n = 0; n < 12; n++) await b.connection.addAgent({ id: `a${n}`, handlers: {} });
    expect(await beatsIn(b, 1_000)).toBeGreaterThan(1);
    const agents = b.heard("heartbeat").flatMap(({ body }) => body["agents"] as { agent: string }[]);
    expect(agents.map(({ agent }) => agent)).toEqual(Array.from({ length: 12 }, (_, n) => `a${n}`));
  });

  it("follow the slowest router of the last 90 s", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: {} });
    b.publish(subjects.routerAnnounce, announce("r1", 5_000));
    b.publish(subjects.routerAnnounce, announce("r2", 500));
    await b.settle();
    await beatsIn(b, 1_000);
    expect(await beatsIn(b, 20_000)).toBe(4);
    for (let n = 0; n < 8; n++) {
      b.publish(subjects.routerAnnounce, announce("r2", 500));
      await b.settle();
      await beatsIn(b, 10_000);
    }
    expect(await beatsIn(b, 5_000)).toBeGreaterThanOrEqual(8); // r1 is forgotten
  });

  it("do not wait for a long interval that no longer holds", async () => {
    const b = await bench({ heartbeatIntervalMs: 30_000 });
    await b.connection.addAgent({ id: "a1", handlers: {} });
    b.publish(subjects.routerAnnounce, announce("r1", 1_000));
    await b.settle();
    expect(await beatsIn(b, 5_000)).toBeGreaterThanOrEqual(4);
  });
});

describe("hellos", () => {
  it("are said again within a second of an announcement that wants them", async () => {
    const b = await bench();
    for (const id of ["a1", "a2"]) await b.connection.addAgent({ id, handlers: {} });
    b.publish(subjects.routerAnnounce, announce("r1", 30_000, true));
    b.publish(subjects.routerAnnounce, announce("r2", 30_000, true));
    await b.settle();
    expect(b.heard("hello")).toHaveLength(2);
    b.clock.advance(1_000);
    await b.settle();
    expect(b.heard("hello")).toHaveLength(4);
  });

  it("are said at most once a second however often they are wanted, and the last wish is kept", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: {} });
    for (let n = 0; n < 5; n++) await b.send("a1", { v: 1, kind: "hello-wanted" });
    expect(b.heard("hello")).toHaveLength(1);
    b.clock.advance(1_000);
    await b.settle();
    expect(b.heard("hello")).toHaveLength(2);
    b.clock.advance(5_000);
    await b.send("a1", { v: 1, kind: "hello-wanted" });
    expect(b.heard("hello")).toHaveLength(3);
  });
});
