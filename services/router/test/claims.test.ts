import { createMemoryBroker, createMemoryStore } from "@nexus/adapter-memory";
import { createSubjects, NexusError } from "@nexus/contracts";
import { noTelemetry, type StateStore, silentLogger } from "@nexus/ports";
import { createSeededIds, createVirtualClock } from "@nexus/testing";
import { expect, it } from "vitest";
import { Claims } from "../src/claims.ts";
import { FrameGuard } from "../src/frame-guard.ts";
import { Peers } from "../src/peers.ts";

/**
 * Proves that no router undoes another one's claim, and that a store which is away makes nobody fail: with a shared store
 * in memory that the test takes away, in virtual time.
 */

const ids = createSeededIds(2);
const id = ids.requestId();

function setUp() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const memory = createMemoryStore(clock, { entriesMax: 100, bytesMax: 1e6 });
  let away = false;
  const store = new Proxy(memory as StateStore, {
    get(target, name) {
      if (name === "shared") return true;
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (away) throw new NexusError("store-unavailable", "away for the test");
        return (member as (...of: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const claimsOf = (routerId: string) => {
    const parts = { bus: broker.connect(), clock, ids, logger: silentLogger, telemetry: noTelemetry, routerId };
    const guard = new FrameGuard(parts);
    const replyPrefixes = ["_INBOX."];
    const peers = new Peers({
      ...parts,
      guard,
      replyPrefixes,
      subjects: createSubjects(),
      answerWithinMs: 20,
      owns: () => false,
    });
    return new Claims({ ...parts, store, peers, retentionMs: 60_000, resultOf: () => undefined });
  };
  return {
    clock,
    one: claimsOf("router-1"),
    two: claimsOf("router-2"),
    away: (is: boolean) => {
      away = is;
    },
  };
}
const claim = (claims: Claims, digest = "d") => claims.claim(id, digest, 5_000, () => {});

it("an id has one owner, and another body under it is refused", async () => {
  const { one, two } = setUp();
  expect(await claim(one)).toEqual({ kind: "mine", idempotency: "claimed" });
  expect(await claim(two)).toEqual({ kind: "other", owner: "router-1", ended: false });
  expect(await claim(two, "e")).toEqual({ kind: "reused" });
});

it("a router releases its own claim alone", async () => {
  const { clock, one, two } = setUp();
  await claim(one);
  await two.release(id, "d");
  clock.advance(10);
  expect(await claim(two)).toMatchObject({ kind: "other", owner: "router-1" });
  await one.release(id, "d");
  clock.advance(10);
  expect(await claim(two)).toMatchObject({ kind: "mine" });
});

it("a dead owner's claim is taken over by one router", async () => {
  const { one, two } = setUp();
  await claim(one);
  expect(
    await Promise.all([two.takeOver(id, "router-1", "d", false, 5_000), two.takeOver(id, "router-1", "d", false, 5_000)]),
  ).toEqual(["claimed", undefined]);
});

it("a store that is away makes claims best-effort, takes nothing over, and fails nobody", async () => {
  const { one, two, away } = setUp();
  await claim(one);
  away(true);
  expect(await claim(two)).toEqual({ kind: "mine", idempotency: "best-effort" });
  expect(await two.takeOver(id, "router-1", "d", false, 5_000)).toBeUndefined();
  await two.finish(id, "d", new Uint8Array());
  await two.release(id, "d");
  expect([await two.sharedResult(id), await two.ownerOf(id)]).toEqual([undefined, undefined]);
  away(false);
  expect(await two.ownerOf(id)).toBe("router-1");
});
