import type { Hello } from "@nexus/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outgoingOf } from "./case.ts";
import { type FrameCase, helloAtLimits } from "./cases/frames.ts";
import { type FrameKind, frameKinds } from "./frame-kinds.ts";
import { proveHealthy } from "./prove.ts";
import { Puppet, rowOf } from "./puppet.ts";
import { accepted, frames } from "./tables.ts";
import { startWorld, until, type World } from "./world.ts";

/**
 * Proves of every frame that is not understood or not allowed: it is dropped and counted by its reason, once at each who
 * hears it, every service is well, nothing ran, and the legal frame after it does what it is for.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

async function proveDropped(item: FrameCase): Promise<void> {
  const { at, hearers = 1, begin }: FrameKind = frameKinds[item.kind];
  const counts = at === "router" ? world.counts : world.agentCounts;
  const stage = await begin(world);
  const [total, before, errors] = [counts.total("framesDropped"), counts.of("framesDropped", item.code), world.log.errors.length];
  world.wire.publish(outgoingOf({ subject: item.subject ?? stage.subject, ...item.send(stage.legal) }));
  await until("it is counted", () => counts.of("framesDropped", item.code) - before >= hearers);
  await proveHealthy(world);
  const runsBefore = world.runs.length;
  await stage.prove();
  expect(counts.total("framesDropped") - total).toBe(hearers);
  expect(world.runs.length - runsBefore).toBe(at === "agents" ? ranFor(item) : 0);
  expect(world.log.errors.slice(errors)).toEqual([]);
}

/** Handlers that the legal frame is to call. */
function ranFor({ kind }: FrameCase): number {
  return kind === "operation for all" || kind === "router's announcement" ? world.router.agentsKnown() : 1;
}

describe.each(Object.entries(frames))("%s", (_area, cases) => {
  it.each(cases)("$name", proveDropped);
});

describe("at a bound, and understood", () => {
  it.each(accepted)("$name", async ({ kind, send }) => {
    const stage = await frameKinds[kind].begin(world);
    const dropped = () => world.counts.total("framesDropped") + world.agentCounts.total("framesDropped");
    const before = dropped();
    world.wire.publish(outgoingOf({ subject: stage.subject, ...send(stage.legal) }));
    await stage.prove();
    expect(dropped() - before).toBe(0);
    await proveHealthy(world);
  });
});

it("a hello at every bound is known as it was said", async () => {
  const puppet = await Puppet.join(world, "at-the-limits", helloAtLimits);
  const { capacity, groups, operations, labels } = helloAtLimits as Hello;
  expect(await rowOf(world, puppet.id)).toMatchObject({ capacity, groups, operations, labels });
  puppet.leave();
});
