/** A question to everybody ends: at the first silence, whoever goes on answering, and however many do. Time is virtual. */

import { encode } from "@nexus/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { scatter } from "../src/bus/scatter.ts";
import type { Bus } from "../src/session.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Deliver = (message: { data: Uint8Array; headers: Record<string, string> }) => void;

/** A bus with one who answers. */
function answering(serve: (deliver: Deliver) => void): Bus {
  let deliver: Deliver = () => {};
  const bus = {
    onError: () => () => {},
    newInbox: () => "_INBOX.x",
    subscribe: (_: string, listener: Deliver) => {
      deliver = listener;
      return {
        unsubscribe: () => {
          deliver = () => {};
        },
      };
    },
    publish: () => serve((message) => deliver(message)),
    flush: async () => {},
  };
  return bus as unknown as Bus;
}

const answer = (value: number | string) => ({ data: encode(value), headers: {} });
const number = (value: unknown) => {
  if (typeof value !== "number") throw new Error("no number");
  return value;
};

test("the first silence ends it", async () => {
  const bus = answering((deliver) => {
    setTimeout(() => deliver(answer(1)), 900);
    setTimeout(() => deliver(answer("what")), 1_150);
    setTimeout(() => deliver(answer(2)), 1_400);
    setTimeout(() => deliver(answer(3)), 1_800);
  });
  const asking = scatter(bus, "s", new Uint8Array(), number);
  await vi.advanceTimersByTimeAsync(1_700);
  expect(await asking).toEqual([1, 2]);
});

test.each([
  ["that are understood", 7],
  ["that are not", "what"],
])("answers without end %s end all the same", async (_, value) => {
  const bus = answering((deliver) => void setInterval(() => deliver(answer(value)), 250));
  let ended = false;
  const asking = scatter(bus, "s", new Uint8Array(), number).finally(() => {
    ended = true;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ended).toBe(true);
  expect((await asking).length).toBeLessThan(100);
});

test("so many answers end it at once, and no more are kept", async () => {
  const bus = answering((deliver) => {
    for (let index = 0; index < 10_005; index++) deliver(answer(index));
  });
  const found = await scatter(bus, "s", new Uint8Array(), number);
  expect(found).toHaveLength(10_000);
});
