/**
 * The gossip suite whole, small: real processes are killed, stopped, join late and are cut off, and what is promised holds. And
 * nothing is left behind, also where it is interrupted.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "@nexus/testing";
import { test } from "vitest";

const main = join(import.meta.dirname, "../src/main.ts");

function start(...argv: string[]) {
  const child = spawn(process.execPath, [main, "gossip", ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, out: () => out, err: () => err };
}

/** As Linux lists them; none elsewhere. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.concurrent("each fault once, at three nodes: nothing is violated, and each one landed", { timeout: 60_000 }, async ({
  expect,
}) => {
  const { ended, out, err } = start("--nodes", "3", "--repetitions", "1", "--json");
  const code = await ended;
  const report = JSON.parse(out());
  expect(report.told).toEqual([]);
  expect(code).toBe(0);
  expect(report).toMatchObject({ chaos: "gossip", nodes: 3, repetitions: 1, violations: 0, falseDeaths: 0 });
  expect(report.faults).toMatchObject({ killed: 1, stopped: 1, joined: 1, cutOff: 1 });
  expect(report.detectedMsMax).toBeGreaterThan(1_000);
  expect(report.detectedMsP99).toBeLessThanOrEqual(5_000);
  expect(report.suspicions).toBeGreaterThan(0); // the one that was stopped
  expect(report.askedWhileHidden).toBeGreaterThan(10);
  expect(err()).toMatch(/^chaos: starting 3 nodes\nchaos: killed 1 of 1: /);
});

test.concurrent("interrupted, it ends what it started", async ({ expect }) => {
  const { child, ended, err } = start("--nodes", "3", "--repetitions", "1");
  await waitUntil(() => childrenOf(child.pid ?? 0).length === 4 || err().includes("killed"), {
    what: "a server and three nodes",
    deadlineMs: 20_000,
  });
  const children = childrenOf(child.pid ?? 0);
  child.kill("SIGTERM");
  expect(await ended).toBe(128 + 15);
  expect(err()).toContain("chaos: interrupted by SIGTERM\n");
  expect(children.filter(isRunning)).toEqual([]);
});
