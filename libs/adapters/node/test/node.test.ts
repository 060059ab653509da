/** The clock's, ids' and gauge's promises, on the real process. */
import { availableParallelism } from "node:os";
import { namePattern, processLoadSchema, requestIdPattern } from "@nexus/contracts";
import { describe, expect, test } from "vitest";
import { createIds, createProcessGauge, systemClock } from "../src/index.ts";

const wait = (delayMs: number) => new Promise<void>((resolve) => void setTimeout(resolve, delayMs));

describe("systemClock", () => {
  test("never runs an action early", async () => {
    for (let run = 0; run < 30; run++) {
      const delayMs = 1 + (run % 7) * 0.7;
      const startMs = systemClock.monotonicMs();
      const keepAlive = setInterval(() => {}, 1_000);
      await new Promise<void>((resolve) => void systemClock.schedule(delayMs, resolve));
      clearInterval(keepAlive);
      expect(systemClock.monotonicMs() - startMs).toBeGreaterThanOrEqual(delayMs);
    }
  });

  test("delay 0 runs in a later turn, after what is running now", async () => {
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      systemClock.schedule(0, () => {
        order.push("action");
        resolve();
      });
    });
    order.push("now");
    await Promise.resolve();
    order.push("microtask");
    await done;
    expect(order).toEqual(["now", "microtask", "action"]);
  });

  test("a cancelled action does not run, and a delay beyond Node's timers does not run at once", async () => {
    let runs = 0;
    const count = () => void runs++;
    systemClock.schedule(0, count).cancel();
    systemClock.schedule(1, count).cancel();
    const far = systemClock.schedule(2 ** 40, count);
    await wait(20);
    far.cancel();
    expect(runs).toBe(0);
  });
});

describe("createIds", () => {
  const ids = createIds();

  test("request ids are ULIDs and rise", () => {
    const made = Array.from({ length: 1_000 }, () => ids.requestId());
    expect(made.every((id) => requestIdPattern.test(id))).toBe(true);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(1_000);
  });

  test.each(["router", "Router Eu", "", "---", "ünï", "x".repeat(300), "_a"])("a name from the hint %j is a name", (hint) => {
    const made = ids.instanceName(hint);
    expect(made).toMatch(namePattern);
    expect(made).not.toBe(ids.instanceName(hint));
  });

  test("random is in [0, 1)", () => {
    const drawn = Array.from({ length: 10_000 }, () => ids.random());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
    expect(new Set(drawn).size).toBe(drawn.length); // no random byte is given twice
  });

  test("a digest is SHA-256's first 128 bits", () => {
    const digest = ids.digest(new TextEncoder().encode("abc"));
    expect(Buffer.from(digest, "base64url").toString("hex")).toBe("ba7816bf8f01cfea414140de5dae2223");
    expect(digest).toHaveLength(22);
  });
});

describe("createProcessGauge", () => {
  /** What the gauge reads over some work, beside what the process spent on it; the machine may be loaded by others. */
  async function readOver(work: () => Promise<void>) {
    const gauge = createProcessGauge();
    gauge.read();
    const [before, beganMs] = [process.cpuUsage(), performance.now()];
    await work();
    const load = gauge.read();
    const { user, system } = process.cpuUsage(before);
    gauge.stop();
    return { load, share: (user + system) / 1_000 / ((performance.now() - beganMs) * availableParallelism()) };
  }

  test("sees a busy core and a blocked event loop", async () => {
    const { load, share } = await readOver(async () => {
      await wait(30); // the first tick after a read has nothing to be measured against
      const untilMs = performance.now() + 200;
      while (performance.now() < untilMs);
      await wait(30);
    });
    expect(processLoadSchema.parse(load)).toEqual(load);
    expect(Math.abs(load.cpu - share)).toBeLessThan(0.05);
    expect(load.cpu).toBeGreaterThan(0);
    expect(load.eventLoopDelayMs).toBeGreaterThan(100);
    expect(load.memory).toBeGreaterThan(0);
  });

  test("sees an idle process as idle", async () => {
    const { load, share } = await readOver(() => wait(300));
    expect(Math.abs(load.cpu - share)).toBeLessThan(0.05);
  });

  test("reads twice in the same millisecond without a number that is none", () => {
    const gauge = createProcessGauge();
    gauge.read();
    expect(processLoadSchema.safeParse(gauge.read()).success).toBe(true);
    gauge.stop();
  });
});
