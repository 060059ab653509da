import { describe, expect, it } from "vitest";
import { Admission } from "../src/admission.ts";
import { RequestRegistry } from "../src/registry.ts";
import { endOf } from "./memory-network.ts";

/** Proves: who waits for a running request leaves nothing behind, and what is under way is bounded in the turn it arrives. */

function running(registry: RequestRegistry, id: string) {
  const never = new Promise<never>(() => {});
  registry.begin(id, undefined, 0);
  registry.run(id, { type: "gather", begun: Promise.resolve(), ended: never, cancel() {}, tellEvents() {} });
  return { finish: () => registry.finish(id, endOf(id), 0), refuse: () => registry.forget(id) };
}

describe("RequestRegistry.onEnd", () => {
  const create = () => new RequestRegistry({ requestsMax: 10, bytesMax: 1_000, ttlMs: 1_000 });

  it("tells of an end, good or bad, once, and only who still listens", () => {
    const registry = create();
    const [good, bad] = [running(registry, "a"), running(registry, "b")];
    const told: string[] = [];
    registry.onEnd("a", () => told.push("a1"));
    registry.onEnd("a", () => told.push("a2"))();
    registry.onEnd("b", () => told.push("b"));
    good.finish();
    bad.refuse();
    good.finish();
    expect(told).toEqual(["a1", "b"]);
  });

  it("may be taken back when it has ended", () => {
    const registry = create();
    const { finish } = running(registry, "a");
    const takeBack = registry.onEnd("a", () => {});
    finish();
    takeBack();
    registry.forget("a");
    const again = running(registry, "a");
    let told = false;
    registry.onEnd("a", () => {
      told = true;
    });
    takeBack();
    again.finish();
    expect(told).toBe(true);
  });
});

describe("Admission", () => {
  it("lets in so many, and another for each that left, however often it says so", () => {
    const admission = new Admission(2, "callers wait");
    const [first] = [admission.enter(), admission.enter()];
    expect(() => admission.enter()).toThrow(expect.objectContaining({ code: "overloaded", retryAfterMs: 250, executed: "none" }));
    first();
    first();
    admission.enter();
    expect(() => admission.enter()).toThrow("2 callers wait here; try again");
    expect(admission.count).toBe(2);
  });
});
