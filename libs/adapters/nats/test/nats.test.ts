/** The bus over a real nats-server: the port's promises, through the server's death and return. */
import { createServer, Socket } from "node:net";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import type { Bus } from "@nexus/ports";
import { busConformance, bytes, codeOf, until } from "@nexus/ports/conformance";
import { afterAll, describe, expect, test, vi } from "vitest";
import { connectNats } from "../src/index.ts";

busConformance("the NATS adapter", async () => {
  let server = await startNatsServer();
  const buses: Bus[] = [];
  return {
    async connect() {
      const bus = await connectNats({ servers: server.url, name: "conformance" });
      buses.push(bus);
      return bus;
    },
    async interrupt() {
      server.kill("SIGKILL");
      await server.stop();
    },
    async restore() {
      server = await startNatsServer({ port: server.port });
    },
    async stop() {
      for (const bus of buses) await bus.close();
      await server.stop();
    },
  };
});

const servers: NatsServer[] = [];
const start: typeof startNatsServer = async (options) => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};
afterAll(async () => {
  for (const server of servers) await server.stop();
});
const messageOf = async (action: () => Promise<unknown>): Promise<string> => {
  try {
    await action();
  } catch (error) {
    return String(error);
  }
  return "nothing was thrown";
};

describe("connectNats", () => {
  test("without a server the error names the address, not the password, and says what to do", async () => {
    const message = await messageOf(() => connectNats({ servers: "nats://me:geheim@127.0.0.1:1", name: "x" }));
    expect(message).toMatch(/no NATS server answers at nats:\/\/127\.0\.0\.1:1 .*start one/);
    expect(message).not.toContain("geheim");
  });

  test("a port that accepts and says nothing fails after connectTimeoutMs", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const options = { servers: `nats://127.0.0.1:${port}`, name: "x", connectTimeoutMs: 200 };
    expect(await codeOf(() => connectNats(options))).toBe("disconnected");
    silent.close();
  });

  test("credentials: in the address or as options, wrong ones are told as such", async () => {
    const config = `authorization { users = [{ user: a, password: "p@:ss", permissions: { publish: "ok.>", subscribe: ["ok.>", "_INBOX.>"] } }] }`;
    const server = await start({ config });
    expect(await messageOf(() => connectNats({ servers: server.url, name: "x", user: "a", pass: "no" }))).toMatch(
      /refuses the cred/,
    );
    const bus = await connectNats({ servers: server.url.replace("//", `//a:${encodeURIComponent("p@:ss")}@`), name: "x" });
    const errors: string[] = [];
    bus.onError((error) => void errors.push(error.message));
    bus.publish("forbidden.x", bytes("x"));
    bus.subscribe("forbidden.y", () => {});
    await until("the violations are told", () => errors.length >= 2);
    expect(errors.sort()).toEqual([
      "the server does not allow this user to publish to forbidden.x",
      expect.stringMatching(/^the server does not allow this user to subscribe to forbidden\.y: /),
    ]);
    let got = 0;
    bus.subscribe("ok.x", () => void got++);
    bus.publish("ok.x", bytes("x"));
    await until("the bus lives", () => got === 1);
    await bus.close();
  });

  test("a server that stops answering is noticed", async () => {
    const server = await start();
    const bus = await connectNats({ servers: server.url, name: "x" });
    server.kill("SIGSTOP");
    await until("the silence is noticed", () => !bus.connected);
    server.kill("SIGCONT");
    await until("it is back", () => bus.connected);
    await bus.close();
  });

  test("what is published within one turn goes out in one write", async () => {
    const server = await start();
    const bus = await connectNats({ servers: server.url, name: "x" });
    let got = 0;
    bus.subscribe("burst", () => void got++);
    await bus.flush();
    const writes = vi.spyOn(Socket.prototype, "write");
    try {
      for (let i = 0; i < 200; i++) bus.publish("burst", new Uint8Array(1_000));
      await until("all have arrived", () => got === 200);
      const large = writes.mock.calls.filter(([data]) => data instanceof Uint8Array && data.byteLength > 1_000);
      expect(large).toHaveLength(1);
    } finally {
      writes.mockRestore();
    }
    await bus.close();
  });
});
