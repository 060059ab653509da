import { describe, expect, it } from "vitest";
import { Admission } from "../src/admission.ts";
import { type EndedRequest, RequestRegistry } from "../src/registry.ts";

/** Proves: who waits for a running request leaves nothing behind, and what is under way is bounded in the turn it arrives. */

function running(registry: RequestRegistry, id: string) {
  const { promise, resolve, reject } = Promise.withResolvers<EndedRequest>();
  registry.begin(id, undefined, 0);
  registry.run(id, { type: "gather", begun: Promise.resolve(), ended: promise, cancel() {}, tellEvents() {} });
  return { resolve: () => resolve({} as EndedRequest), reject };
}

describe("RequestRegistry.onEnd", () => {
  const create = () => new RequestRegistry({ requestsMax: 10, bytesMax: 1_000, ttlMs: 1_000 });

  it("tells of an end, good or bad, once, and only who still listens", async () => {
    const registry = create();
    const [good, bad] = [running(registry, "a"), running(registry, "b")];
    const told: string[] = [];
    registry.onEnd("a", () => told.push("a1"));
    registry.onEnd("a", () => told.push("a2"))();
    registry.onEnd("b", () => told.push("b"));
    good.resolve();
    bad.reject(new Error("refused"));
    await new Promise(setImmediate);
    expect(told).toEqual(["a1", "b"]);
  });

  it("may be taken back when it has ended", async () => {
    const registry = create();
    const { resolve } = running(registry, "a");
    const takeBack = registry.onEnd("a", () => {});
    resolve();
    await new Promise(setImmediate);
    takeBack();
    registry.forget("a");
    const again = running(registry, "a");
    let told = false;
    registry.onEnd("a", () => {
      told = true;
    });
    takeBack();
    again.resolve();
    await new Promise(setImmediate);
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
