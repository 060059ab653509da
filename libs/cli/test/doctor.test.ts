/** What the checks make of what they see, and the two probes against servers that answer by script. */
import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { isAtLeast } from "../src/doctor/check.ts";
import { nodeOutcome } from "../src/doctor/checks.ts";
import { clocks } from "../src/doctor/clock-check.ts";
import { addressOf, parseGreeting, readGreeting } from "../src/doctor/nats-greeting.ts";
import { pingRedis } from "../src/doctor/redis-ping.ts";
import { instanceOf, servicesFinding } from "../src/doctor/services.ts";

async function listening<T>(serve: (socket: Socket) => void, use: (address: string) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  try {
    return await use(`127.0.0.1:${address.port}`);
  } finally {
    server.close();
  }
}

describe("versions", () => {
  test.each([
    ["24.12.0", "24.12.0", true],
    ["24.11.9", "24.12.0", false],
    ["25.0.0", "24.12.0", true],
    ["2.9.10", "2.9.0", true],
    ["2.10.0-beta.1", "2.9.9", true],
    ["2.8", "2.9.0", false],
  ])("%s against %s", (version, wanted, enough) => expect(isAtLeast(version, wanted)).toBe(enough));
  test("an old node fails with a remedy", () =>
    expect(nodeOutcome("20.1.0")).toMatchObject({ state: "failed", remedy: expect.any(String) }));
});

describe("the greeting of a NATS server", () => {
  test("is read, in whatever pieces it comes", async () => {
    const serve = (socket: Socket) => {
      socket.write('INFO {"server_name":"n1","version":"2.9.10",');
      setImmediate(() => socket.write('"max_payload":1048576}\r\n'));
    };
    expect(await listening(serve, (address) => readGreeting(`nats://${address}`, 2_000))).toEqual({
      name: "n1",
      version: "2.9.10",
      maxPayloadBytes: 1_048_576,
      jetstream: false,
    });
  });
  test.each([
    ["another protocol", (socket: Socket) => void socket.write("HTTP/1.1 400\r\n"), /is no NATS server/],
    ["an end", (socket: Socket) => void socket.end(), /closed the connection/],
    ["silence", () => {}, /says nothing/],
    ["a flood", (socket: Socket) => void socket.write("x".repeat(200_000)), /is no NATS server/],
  ])("%s is told as such", async (_, serve, message) => {
    await expect(listening(serve, (address) => readGreeting(address, 200))).rejects.toThrow(message);
  });
  test.each([["INFO {"], ["INFO {}"], ["INFO null"], ["PING"]])("%s is none", (line) =>
    expect(parseGreeting(line)).toBeUndefined(),
  );
  test.each([
    ["nats://h:1", { host: "h", port: 1 }],
    ["h", { host: "h", port: 4222 }],
    ["tls://[::1]:5 ", { host: "::1", port: 5 }],
  ])("address %s", (server, address) => expect(addressOf(server)).toEqual(address));
  test("no address", () => expect(() => addressOf("nats://")).toThrow(/nats:\/\/host:port/));
});

describe("the ping of Redis", () => {
  const answer = (reply: string) => (socket: Socket) => void socket.once("data", () => socket.write(reply));
  test("with the URL's credentials", async () => {
    let sent = "";
    const serve = (socket: Socket) =>
      void socket.on("data", (chunk) => {
        sent += String(chunk);
        socket.write("+OK\r\n+PONG\r\n");
      });
    expect(await listening(serve, (address) => pingRedis(`redis://u:p%20w@${address}`, 2_000))).toBeGreaterThan(0);
    expect(sent).toBe("*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$3\r\np w\r\n*1\r\n$4\r\nPING\r\n");
  });
  test("a refusal is told", async () => {
    const pending = listening(answer("-NOAUTH Authentication required.\r\n"), (address) =>
      pingRedis(`redis://${address}`, 2_000),
    );
    await expect(pending).rejects.toThrow(/NOAUTH/);
  });
  test("another protocol is no URL", () => expect(() => pingRedis("http://h", 1)).toThrow(/REDIS_URL/));
});

describe("clocks", () => {
  test.each([
    [{ skewMs: 90, doubtMs: 0 }, "ok", /within 90 ms/],
    [{ skewMs: -110, doubtMs: 0 }, "warning", /router r1 is 110 ms behind/],
    [{ skewMs: 110, doubtMs: 20 }, "ok", /within 130 ms/],
    [{ skewMs: 1_100, doubtMs: 0 }, "failed", /router r1 is 1100 ms ahead/],
    [{ skewMs: 1_100, doubtMs: 200 }, "warning", /router r1 is 1100 ms ahead/],
  ])("that differ as %j", async ({ skewMs, doubtMs }, state, detail) => {
    const report = { service: "router", instance: "r1", epochMs: 10_000 + skewMs };
    const heard = { report, askedEpochMs: 10_000 - doubtMs, heardEpochMs: 10_000 + doubtMs };
    const outcome = await clocks({ reports: [heard] } as unknown as Parameters<typeof clocks>[0]);
    expect(outcome).toMatchObject({ state, detail: expect.stringMatching(detail) });
  });
});

describe("services", () => {
  const router = { name: "nexus-router", version: "0.1.0", wire: { min: 1, max: 1 } };
  test.each([
    [[], [], "failed", /no service/],
    [[router, router], [], "ok", /^0\.1\.0 \(wire 1–1\): 2 × router$/],
    [[router, { ...router, version: "0.2.0" }], [], "warning", /0\.2\.0/],
    [[router, { ...router, wire: { min: 7, max: 9 } }], [], "failed", /7–9/],
    [[{ name: "nexus-gossip", version: "0.1.0" }], [], "failed", /not there: router \(nobody takes requests\)/],
    [[{ ...router, name: "nexus-console" }, router], ["gossip"], "failed", /gossip/],
  ])("%j, required %j", (instances, required, state, detail) => {
    const kinds = required.length === 0 ? (["router"] as const) : (["router", "gossip", "adaptive"] as const);
    const finding = servicesFinding(instances, kinds, required);
    expect(finding.state).toBe(state);
    expect(finding.detail).toMatch(detail);
  });
  test("one that is away and not required is a warning that says what falls away, but for the console", () => {
    expect(servicesFinding([router], ["router", "gossip", "console"], [])).toMatchObject({
      state: "warning",
      detail: expect.stringContaining("gossip (no shared state, and no second view of failures)"),
    });
    expect(servicesFinding([router], ["router", "console"], []).state).toBe("ok");
  });
  test.each([[null], ["x"], [{ name: "other", version: "1.0.0" }], [{ name: "nexus-x" }]])("%j is none of ours", (info) =>
    expect(instanceOf(info)).toBeUndefined(),
  );
  test("metadata gives the wire range", () =>
    expect(instanceOf({ name: "nexus-router", version: "0.1.0", metadata: { wire_min: "1", wire_max: "2" } })).toEqual({
      ...router,
      wire: { min: 1, max: 2 },
    }));
  test("its endpoints give the prefix", () => {
    const endpoints = [null, { subject: "a.b.services.report" }, { subject: "a.b.router.health" }];
    expect(instanceOf({ name: "nexus-router", version: "0.1.0", endpoints })?.prefix).toBe("a.b");
  });
});
