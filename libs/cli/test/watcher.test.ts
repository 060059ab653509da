/** V1: whoever watches says so three times in a lease, as long as there is a connection, and takes it back at the end. */

import { decode, type JsonValue, limits } from "@nexus/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watcher } from "../src/bus/watcher.ts";
import type { Bus } from "../src/session.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A bus that nobody else is on. */
function emptyBus() {
  const words: JsonValue[] = [];
  const bus = {
    connected: true,
    onError: () => () => {},
    newInbox: () => "_INBOX.x",
    subscribe: () => ({ unsubscribe: () => {} }),
    publish: (_: string, body: Uint8Array) => void words.push(decode(body)),
    flush: async () => {},
  };
  return { bus, words };
}

test("the word is renewed three times in a lease, and taken back", async () => {
  const { bus, words } = emptyBus();
  const watcher = new Watcher(bus as unknown as Bus, "nexus", { types: ["gather"] }, { onActivity() {}, onNote() {} });
  const starting = watcher.start();
  await vi.advanceTimersByTimeAsync(0);
  await starting;
  const lease = { leaseMs: limits.watchLeaseMsMax, types: ["gather"] };
  expect(words).toMatchObject([{ ...lease, snapshot: true }]);
  await vi.advanceTimersByTimeAsync(limits.watchLeaseMsMax + 10); // timers count whole milliseconds
  expect(words.slice(1)).toMatchObject([lease, lease, lease]);
  bus.connected = false;
  await vi.advanceTimersByTimeAsync(limits.watchLeaseMsMax);
  expect(words).toHaveLength(4);
  bus.connected = true;
  await watcher.stop();
  expect(words.slice(4)).toMatchObject([{ leaseMs: 0 }]);
  await vi.advanceTimersByTimeAsync(limits.watchLeaseMsMax);
  expect(words).toHaveLength(5);
});
