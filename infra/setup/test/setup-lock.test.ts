/** One set-up at a time, and a dead owner's lock is nobody's. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockIsStale, processStart, withLock } from "../setup-lock.mjs";

let dir = "";
let lock = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "nexus-lock-"));
  lock = join(dir, "deep", "setup.lock");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The id of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ["--version"]).pid;
const leaveBehind = (owner: object | null) => {
  mkdirSync(lock, { recursive: true });
  if (owner !== null) writeFileSync(join(lock, "owner.json"), JSON.stringify(owner));
};

describe("staleness", () => {
  const alive = () => true;
  const started = () => "77";
  test.each([
    ["its owner is alive", { pid: 1, startedAt: "77" }, 0, alive, false],
    ["its owner is alive, without a start time", { pid: 1, startedAt: null }, 1e9, alive, false],
    ["its owner is gone", { pid: 1, startedAt: "77" }, 0, () => false, true],
    ["another process has the owner's id", { pid: 1, startedAt: "76" }, 0, alive, true],
    ["it was made a moment ago and is not signed yet", undefined, 50, alive, false],
    ["it was never signed", undefined, 60_000, alive, true],
    ["the signature is no signature", { pid: "1" }, 60_000, alive, true],
  ])("%s", (_what, owner, ageMs, isAlive, expected) => {
    expect(lockIsStale(owner, ageMs, isAlive, started)).toBe(expected);
  });

  test("the start of this process is known on Linux and stays the same", () => {
    expect(processStart(process.pid)).toBe(processStart(process.pid));
    if (process.platform === "linux") expect(processStart(process.pid)).toMatch(/^\d+$/);
  });
});

describe("the lock", () => {
  test("lets one in after the other, and says that it waits", async () => {
    const said: string[] = [];
    const order: string[] = [];
    const first = withLock(
      lock,
      () => {},
      async () => {
        order.push("first in");
        await expect.poll(() => said.length, { timeout: 10_000 }).toBe(1);
        order.push("first out");
      },
    );
    const second = withLock(
      lock,
      (text) => said.push(text),
      async () => void order.push("second in"),
    );
    await Promise.all([first, second]);
    expect(order).toEqual(["first in", "first out", "second in"]);
    expect(said[0]).toContain(`process ${process.pid}`);
    expect(existsSync(lock)).toBe(false);
  });

  test("is taken over from an owner that is gone", async () => {
    leaveBehind({ pid: deadPid(), startedAt: "1" });
    expect(
      await withLock(
        lock,
        () => {},
        async () => "done",
      ),
    ).toBe("done");
    expect(existsSync(lock)).toBe(false);
  });

  test("is taken over when nobody signed it, although an earlier takeover was cut short", async () => {
    leaveBehind(null);
    mkdirSync(`${lock}.takeover`);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, longAgo, longAgo);
    utimesSync(`${lock}.takeover`, longAgo, longAgo);
    expect(
      await withLock(
        lock,
        () => {},
        async () => "done",
      ),
    ).toBe("done");
    expect(existsSync(`${lock}.takeover`)).toBe(false);
  });

  test("is released when the work fails", async () => {
    await expect(
      withLock(
        lock,
        () => {},
        async () => Promise.reject(new Error("no")),
      ),
    ).rejects.toThrow("no");
    expect(existsSync(lock)).toBe(false);
  });
});
