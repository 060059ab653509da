import { describe, expect, it } from "vitest";
import { bytesOf, keep } from "../src/ended-request.ts";
import { RequestRegistry, type RunningRequest } from "../src/registry.ts";
import { endOf } from "./memory-network.ts";

/** Proves what a router remembers of requests: which run, which it owns, which ended, and that all of it is bounded. */

const A = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
const B = "01ARZ3NDEKTSV4RRFFQ69G5FAB";
const C = "01ARZ3NDEKTSV4RRFFQ69G5FAC";

const registry = (more: object = {}) => new RequestRegistry({ requestsMax: 2, bytesMax: 100_000, ttlMs: 1_000, ...more });
function running(cancel = () => {}): RunningRequest {
  return { type: "gather", begun: Promise.resolve(), ended: new Promise(() => {}), cancel, tellEvents() {} };
}

describe("ownership", () => {
  it("is of those that run here or ended here, not of those that are awaited from elsewhere", () => {
    const requests = registry();
    expect(requests.owns(A)).toBe(false);
    requests.begin(A, "d", 0);
    requests.run(A, running());
    expect([requests.owns(A), requests.known(A)?.digest]).toEqual([false, "d"]);
    requests.own(A);
    expect(requests.owns(A)).toBe(true);
    requests.finish(A, endOf(A), 0);
    expect([requests.owns(A), requests.running(A), requests.ended(A)?.result.id]).toEqual([true, undefined, A]);
  });

  it("of what does not run is not taken, and of what was forgotten not kept", () => {
    const requests = registry();
    requests.own(A);
    expect(requests.owns(A)).toBe(false);
    requests.begin(A, "d", 0);
    requests.run(A, running());
    requests.own(A);
    requests.forget(A);
    expect([requests.owns(A), requests.known(A), requests.begin(A, "other", 0).kind]).toEqual([false, undefined, "new"]);
  });
});

describe("bounds", () => {
  it("the running are never dropped: what is more is refused", () => {
    const requests = registry();
    for (const id of [A, B]) {
      expect(requests.begin(id, "d", 0).kind).toBe("new");
      requests.run(id, running());
    }
    expect(requests.begin(C, "d", 0).kind).toBe("full");
    requests.finish(A, endOf(A), 0);
    expect(requests.begin(C, "d", 0).kind).toBe("new");
    expect([requests.ended(A), requests.evicted]).toEqual([undefined, 1]);
  });

  it("the ended go when their time is up, or their bytes are too many", () => {
    const requests = registry({ bytesMax: 1.5 * bytesOf(keep(endOf(A))) });
    requests.begin(A, "d", 0);
    requests.finish(A, endOf(A), 0);
    requests.expire(999);
    expect(requests.ended(A)).toBeDefined();
    requests.begin(B, "d", 999);
    requests.finish(B, endOf(B), 999);
    expect([requests.ended(A), requests.evicted]).toEqual([undefined, 1]);
    requests.expire(1_999);
    expect([requests.ended(B), requests.evicted]).toEqual([undefined, 1]);
  });
});

it("cancels all that run, and waits for their ends, good or bad", async () => {
  const requests = registry();
  const cancelled: string[] = [];
  const ends = [A, B].map((id) => {
    const end = Promise.withResolvers<ReturnType<typeof endOf>>();
    requests.begin(id, "d", 0);
    requests.run(id, { ...running(() => void cancelled.push(id)), ended: end.promise });
    return end;
  });
  expect(requests.cancelAll()).toBe(2);
  expect(cancelled).toEqual([A, B]);
  let settled = false;
  const waiting = requests.settled().then(() => {
    settled = true;
  });
  ends[0]?.resolve(endOf(A));
  await Promise.resolve();
  expect(settled).toBe(false);
  ends[1]?.reject(new Error("refused"));
  await waiting;
});
