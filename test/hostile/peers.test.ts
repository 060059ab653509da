import { startNatsServer } from "@nexus/adapter-servers";
import { encode, limits } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { documentOf, proveHealthy } from "./prove.ts";
import { FLOOD, request, ulid, useSmallRouter } from "./small-router.ts";
import { Wire } from "./wire.ts";
import { startWorld, until } from "./world.ts";

/** Proves of those who pretend to be routers, and of clients that are hostile to the server: others are served meanwhile. */

const small = useSmallRouter();

describe("floods among routers", () => {
  const alive = (name: string, leaving: boolean): void =>
    small.world.wire.publish({ subject: "small.routers.alive", data: encode({ v: 1, router: name, leaving }) });
  const peers = async () => ((await small.ask("router.status"))["peers"] as string[]).length;

  it("of names are bounded and counted, and forgotten when they leave", async () => {
    for (let index = 0; index < FLOOD; index++) alive(`router${index}`, false);
    await until("the rest is counted", () => small.world.counts.of("boundsReached", "router-peers") >= FLOOD - 1_000);
    expect(await peers()).toBe(1_000);
    await small.proveServed();
    expect(await small.ask("coordinate.gather", request("number", { id: ulid("005") }))).toMatchObject({
      status: "completed",
      idempotency: "best-effort",
    });
    for (let index = 0; index < FLOOD; index++) alive(`router${index}`, true);
    await until("all have left", async () => (await peers()) === 0);
  });

  it("of questions are answered, each at its inbox", async () => {
    const inbox = small.world.wire.newInbox();
    let answers = 0;
    const end = small.world.wire.subscribe(inbox, () => {
      answers++;
    });
    const data = encode({ v: 1, router: "router-of-nobody", id: ulid("006") });
    for (let index = 0; index < FLOOD; index++) small.world.wire.publish({ subject: "small.routers.claims", reply: inbox, data });
    await until("all are answered", () => answers === FLOOD);
    end();
  });

  it("of false answers cost a request at most its outcome, and never this router's own word", async () => {
    const claims: string[] = [];
    const says = { router: "ghost" };
    const end = small.world.wire.subscribe("small.routers.claims", ({ reply }) => {
      claims.push(says.router);
      small.world.wire.publish({ subject: reply ?? "nowhere", data: encode({ v: 1, router: says.router, state: "owned" }) });
    });
    alive("ghost", false);
    await until("it is a peer", async () => (await peers()) === 1);
    const before = small.world.runs.length;
    const lost = await small.ask("coordinate.gather", request("number", { id: ulid("007") }));
    expect(lost).toMatchObject({ status: "failed", executed: "unknown", error: { code: "unknown-outcome" } });
    expect(small.world.runs.length).toBe(before);
    says.router = small.router.id;
    expect(await small.ask("coordinate.gather", request("number", { id: ulid("008") }))).toMatchObject({ status: "completed" });
    expect(claims).toEqual(["ghost", small.router.id]);
    end();
    alive("ghost", true);
    await until("it has left", async () => (await peers()) === 0);
  });

  it("of announcements are bounded at the agents", async () => {
    for (let index = 0; index < FLOOD / 2; index++) {
      const announce = {
        v: 1,
        wire: { min: 1, max: 1 },
        router: `router${index}`,
        heartbeatIntervalMs: 100,
        helloWanted: index % 2 === 0,
      };
      small.world.wire.publish({ subject: "small.routers.announce", data: encode(announce) });
    }
    await until("the rest is counted", () => small.world.agentCounts.of("boundsReached", "routers") >= FLOOD / 2 - 1_000);
  });
});

describe("clients of NATS", () => {
  it("with 10,000 subscriptions hurt nobody", async () => {
    const wide = await Wire.connect(small.world.port, "wide");
    wide.write(Array.from({ length: FLOOD }, (_, index) => `SUB small.agents.*.${index}.> ${index + 100}\r\n`).join(""));
    await wide.sync();
    await small.proveServed();
    expect(wide.errors).toEqual([]);
    wide.close();
  });

  it("that do not read what they asked for are cut off by the server, and others are served meanwhile", async () => {
    const other = await startWorld('max_pending: 8MB\nwrite_deadline: "1s"\n');
    const slow = await Wire.connect(other.port, "slow-reader");
    const gather = (payload: number) => encode({ goal: { operation: "big", payload }, agents: { ids: ["solo"] } });
    slow.subscribe("_INBOX.slow-reader.1", () => {});
    await slow.sync();
    slow.pause();
    const REQUESTS = 60; // of half a megabyte each
    for (let index = 0; index < REQUESTS; index++) {
      slow.publish({ subject: "nexus.coordinate.gather", reply: "_INBOX.slow-reader.1", data: gather(500_000) });
      const served = await other.wire.request({ subject: "nexus.coordinate.gather", data: gather(1) });
      expect(documentOf(served)).toMatchObject({ status: "completed" });
    }
    slow.resume();
    await until("the server has cut it off", () => slow.closed);
    await proveHealthy(other);
    expect(other.log.errors).toEqual([]);
    await other.stop();
  });

  it("that send a byte more than the server carries are cut off by it", async () => {
    const server = await startNatsServer();
    const [sender, reader] = [await Wire.connect(server.port, "sender"), await Wire.connect(server.port, "reader")];
    const sizes: number[] = [];
    reader.subscribe("in", ({ data }) => sizes.push(data.length));
    await reader.sync();
    sender.publish({ subject: "in", data: new Uint8Array(limits.frameBytesMax) });
    sender.publish({ subject: "in", data: new Uint8Array(limits.frameBytesMax + 1) });
    await until("it is cut off", () => sender.closed);
    // The server's own words: a connection that is closed with data unread may lose what was said to it last.
    await until("the server says why", () => /maximum payload/i.test(server.logTail()));
    await reader.sync();
    expect(sizes).toEqual([limits.frameBytesMax]);
    reader.close();
    await server.stop();
  });
});
