import { createSubjects, decode, encode } from "@nexus/contracts";
import { noTelemetry, silentLogger, type Telemetry } from "@nexus/ports";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameGuard } from "../src/frame-guard.ts";
import { Peers } from "../src/peers.ts";
import { createNetwork, ID, type Network } from "./memory-network.ts";

/**
 * Proves that routers know each other and share out ids without shared memory, in virtual time: claims at once (P1, P2),
 * time-outs, leaving, the bound, and frames that are not understood (P3).
 */

const subjects = createSubjects("nexus");

function addPeer(network: Network, routerId: string, telemetry: Telemetry = noTelemetry) {
  const bus = network.broker.connect({ name: routerId });
  const owned = new Set<string>();
  const { clock } = network;
  const peers = new Peers({
    ...{ bus, clock, telemetry, subjects, routerId, answerWithinMs: 20, replyPrefixes: ["_INBOX."] },
    guard: new FrameGuard({ clock, logger: silentLogger, telemetry }),
    owns: (id) => owned.has(id),
  });
  peers.start();
  return { peers, bus, owned, routerId, claim: () => peers.claim(ID, () => owned.add(ID)) };
}

async function threePeers() {
  const network = createNetwork();
  const [one, two, three] = ["r1", "r2", "r3"].map((id) => addPeer(network, id));
  if (one === undefined || two === undefined || three === undefined) throw new Error("three were added");
  await network.pass(10);
  return { network, one, two, three };
}

describe("who is there", () => {
  it("a newcomer and the others know of each other at once, and forget who falls silent", async () => {
    const { network, one, three } = await threePeers();
    expect([...one.peers.live(), ...three.peers.live()]).toEqual(["r2", "r3", "r1", "r2"]);
    network.broker.disconnect(three.bus);
    await network.pass(3_400);
    expect(one.peers.live()).toEqual(["r2", "r3"]);
    await network.pass(200);
    expect(one.peers.live()).toEqual(["r2"]);
  });

  it("who leaves says so, and is silent then", async () => {
    const { network, one, three } = await threePeers();
    three.peers.stop();
    await network.pass(1);
    expect(one.peers.live()).toEqual(["r2"]);
    await network.pass(5_000);
    expect(one.peers.live()).toEqual(["r2"]);
  });

  it("at most a thousand are known; those beyond are counted, and those that are gone make room", async () => {
    const network = createNetwork();
    const counted: string[] = [];
    const telemetry: Telemetry = { ...noTelemetry, count: (metric) => void counted.push(metric) };
    const { peers, bus } = addPeer(network, "r1", telemetry);
    const alive = (router: string) => bus.publish(subjects.routerAlive, encode({ v: 1, router, leaving: false }));
    for (let index = 0; index < 1_001; index++) alive(`peer-${index}`);
    await network.pass(1);
    expect([peers.live().length, counted]).toEqual([1_000, ["boundsReached"]]);
    await network.pass(4_000);
    alive("late");
    await network.pass(1);
    expect(counted).toHaveLength(1);
    expect(peers.live()).toEqual(["late"]);
  });
});

describe("claims", () => {
  it("alone, or cut off, an id is ours at once", async () => {
    const network = createNetwork();
    const { claim, owned, peers, bus } = addPeer(network, "r1");
    expect(await claim()).toBeUndefined();
    expect(owned).toEqual(new Set([ID]));
    network.broker.disconnect(bus);
    expect(await peers.ownerOf(ID)).toBeUndefined();
    expect(network.clock.monotonicMs()).toBe(0);
  });

  it("what somebody owns is theirs, and everybody can find that out", async () => {
    const { network, one, two, three } = await threePeers();
    expect(await network.run(two.claim())).toBeUndefined();
    expect(await network.run(one.claim())).toBe("r2");
    expect(await network.run(three.peers.ownerOf(ID))).toBe("r2");
    expect(one.owned.size).toBe(0);
  });

  it("nobody waits longer than 20 ms for one that does not answer", async () => {
    const { network, one, three } = await threePeers();
    network.broker.disconnect(three.bus);
    const beganMs = network.clock.monotonicMs();
    expect(await network.run(one.claim())).toBeUndefined();
    expect(network.clock.monotonicMs() - beganMs).toBe(20);
    expect(one.owned.has(ID)).toBe(true);
  });

  it("P1: of those that claim at once the smallest name gets it, and all know that", async () => {
    const { network, one, two, three } = await threePeers();
    const owners = await network.run(Promise.all([three.claim(), two.claim(), one.claim()]));
    expect(owners).toEqual(["r1", "r1", undefined]);
    expect([one, two, three].map(({ owned }) => owned.size)).toEqual([1, 0, 0]);
  });

  it("P1, P2: whenever they begin, exactly one gets it, and each other leads to it", async () => {
    const begin = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(begin, fc.boolean(), async (delays, someoneIsSilent) => {
        const { network, one, two, three } = await threePeers();
        const silent = addPeer(network, "r0");
        await network.pass(1);
        if (someoneIsSilent) network.broker.disconnect(silent.bus);
        const claims = [one, two, three].map(
          (peer, index) =>
            new Promise<string | undefined>((resolve) => {
              network.clock.schedule(delays[index] ?? 0, () => resolve(peer.claim()));
            }),
        );
        const owners = await network.run(Promise.all(claims));
        const names = ["r1", "r2", "r3"];
        const winners = names.filter((_, index) => [one, two, three][index]?.owned.size === 1);
        expect(winners).toHaveLength(1);
        // Who yields to one that yields in turn asks that one for the end, and so on.
        const leadsTo = (name: string): string => {
          const owner = owners[names.indexOf(name)];
          return owner === undefined ? name : leadsTo(owner);
        };
        expect(names.map(leadsTo)).toEqual(names.map(() => winners[0]));
      }),
    );
  });
});

describe("P3: frames that are not understood", () => {
  it("are dropped and counted, and what is understood after them counts", async () => {
    const network = createNetwork();
    const counted: string[] = [];
    const telemetry: Telemetry = { ...noTelemetry, count: (metric) => void counted.push(metric) };
    const { peers } = addPeer(network, "r1", telemetry);
    const stranger = network.broker.connect();
    const garbage = [new Uint8Array([0xff]), encode({ v: 99, router: "r2" }), encode({ v: 1, router: "*" })];
    for (const data of garbage) {
      stranger.publish(subjects.routerAlive, data);
      stranger.publish(subjects.routerClaims, data, { reply: stranger.newInbox() });
    }
    stranger.publish(subjects.routerAlive, encode({ v: 1, router: "r2", leaving: false }));
    await network.pass(1);
    expect(counted).toEqual(Array.from({ length: 6 }, () => "framesDropped"));
    expect(peers.live()).toEqual(["r2"]);
    stranger.subscribe(subjects.routerClaims, ({ reply }) => {
      if (reply === undefined) return;
      for (const data of garbage) stranger.publish(reply, data);
      stranger.publish(reply, encode({ v: 1, router: "r2", state: "owned" }));
    });
    expect(await network.run(peers.claim(ID, () => {}))).toBe("r2");
  });

  it("a router does not answer its own questions, nor one without a reply subject", async () => {
    const network = createNetwork();
    const { bus } = addPeer(network, "r1");
    const asking = network.broker.connect();
    const answers: unknown[] = [];
    asking.subscribe("_INBOX.test", ({ data }) => void answers.push(decode(data)));
    asking.publish(subjects.routerClaims, encode({ v: 1, router: "r1", id: ID }), { reply: "_INBOX.test" });
    asking.publish(subjects.routerClaims, encode({ v: 1, router: "r2", id: ID }));
    asking.publish(subjects.routerClaims, encode({ v: 1, router: "r2", id: ID }), { reply: "_INBOX.test" });
    await network.pass(1);
    expect(answers).toEqual([{ v: 1, router: "r1", state: "unknown" }]);
    expect(bus.connected).toBe(true);
  });
});
