import { createMemoryBroker } from "@nexus/adapter-memory";
import { type ClaimAnswer, createSubjects, decode, encode } from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { createVirtualClock } from "@nexus/testing";
import { describe, expect, it } from "vitest";
import { FrameGuard } from "../src/frame-guard.ts";
import { Peers } from "../src/peers.ts";

/**
 * Proves what a router makes of its peers' words on an id, in whichever order they come: who has it is its owner, else of
 * those that ask at once the smallest goes first. The peers are played by the test, in virtual time.
 */

const subjects = createSubjects();
const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const ANSWER_WITHIN_MS = 20;

async function setUp(peerIds: readonly string[]) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const [bus, others] = [broker.connect(), broker.connect()];
  const base = { bus, clock, logger: silentLogger, telemetry: noTelemetry, subjects, routerId: "m" };
  const guard = new FrameGuard(base);
  const peers = new Peers({ ...base, guard, replyPrefixes: ["_INBOX."], answerWithinMs: ANSWER_WITHIN_MS, owns: () => false });
  peers.start();
  for (const router of peerIds) others.publish(subjects.routerAlive, encode({ v: 1, router, leaving: false }));
  const asked: string[] = [];
  others.subscribe(subjects.routerClaims, ({ data, reply }) => {
    if ((decode(data) as { router: string }).router === "m") asked.push(reply ?? "");
  });
  await broker.idle();
  let granted = 0;
  const claim = peers.claim(id, () => granted++);
  await broker.idle();
  return {
    claim,
    granted: () => granted,
    async answer(router: string, state: ClaimAnswer["state"]) {
      others.publish(asked[0] ?? "", encode({ v: 1, router, state }));
      await broker.idle();
    },
    async move(ms: number) {
      clock.advance(ms);
      await broker.idle();
    },
  };
}

describe("an id", () => {
  it.each<[what: string, words: [router: string, state: ClaimAnswer["state"]][], owner: string | undefined]>([
    [
      "that nobody knows is one's own",
      [
        ["a", "unknown"],
        ["z", "unknown"],
      ],
      undefined,
    ],
    [
      "is its owner's",
      [
        ["a", "unknown"],
        ["z", "owned"],
      ],
      "z",
    ],
    [
      "is its owner's, whoever asks as well",
      [
        ["a", "asking"],
        ["z", "owned"],
      ],
      "z",
    ],
    [
      "is its owner's, though another asked first",
      [
        ["z", "owned"],
        ["a", "asking"],
      ],
      "z",
    ],
    [
      "that others ask for is the smallest one's",
      [
        ["c", "asking"],
        ["a", "asking"],
      ],
      "a",
    ],
    [
      "that greater ones ask for is one's own",
      [
        ["y", "asking"],
        ["z", "asking"],
      ],
      undefined,
    ],
  ])("%s", async (_, words, owner) => {
    const { claim, granted, answer } = await setUp(words.map(([router]) => router));
    for (const [router, state] of words) await answer(router, state);
    expect([await claim, granted()]).toEqual([owner, owner === undefined ? 1 : 0]);
  });

  it("that a peer says nothing of is decided in time, by what the others said", async () => {
    const silent = await setUp(["a", "z"]);
    await silent.answer("z", "unknown");
    expect(silent.granted()).toBe(0);
    await silent.move(ANSWER_WITHIN_MS);
    expect([await silent.claim, silent.granted()]).toEqual([undefined, 1]);
    const rival = await setUp(["a", "z"]);
    await rival.answer("a", "asking");
    await rival.move(ANSWER_WITHIN_MS);
    expect([await rival.claim, rival.granted()]).toEqual(["a", 0]);
  });
});
