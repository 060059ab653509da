/**
 * A tool is ended with all that it started, and its output is bounded; a wait ends; what an engine leaves is found. With real
 * processes and folders, and without an engine.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cgroupsOf, mountsBelow } from "../engine-remains.ts";
import { freePorts } from "../free-ports.ts";
import { mustRun, runTool } from "../run-tool.ts";
import { waitFor } from "../waiting.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "nexus-tools-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const never = new AbortController().signal;

/** Ended, or ended and not yet asked for by whoever inherited it. */
function isGone(pid: number): boolean {
  try {
    return / \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

const node = (script: string) => [process.execPath, "-e", script];

describe("a tool", () => {
  test("gives its output, or the reason why it failed and its last lines", async () => {
    expect(await mustRun(node("console.log(7)"), { deadlineMs: 10_000 })).toBe("7\n");
    const failing = mustRun(node("console.error('because'); process.exit(3)"), { deadlineMs: 10_000 });
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining("exit code 3"), output: "because" });
  });

  test("that is not there is a failure like another", async () => {
    expect(await runTool([join(dir, "nothing")], { deadlineMs: 10_000 })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("ENOENT"),
    });
  });

  test("is ended at its deadline, with the processes that it started", async () => {
    const script = `const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "inherit" });
      console.log(child.pid);
      setTimeout(() => {}, 60_000)`;
    const beganMs = performance.now();
    const { ok, reason, stdout } = await runTool(node(script), { deadlineMs: 2_000 });
    expect({ ok, reason }).toEqual({ ok: false, reason: "not done within 2 s" });
    expect(performance.now() - beganMs).toBeLessThan(8_000);
    const started = Number(stdout);
    expect(started).toBeGreaterThan(1);
    const gone = waitFor(() => isGone(started) || undefined, { deadlineMs: 5_000, signal: never, describe: () => "it runs" });
    expect(await gone).toBe(true);
  });

  test("keeps of its output the last part", async () => {
    const much = "process.stdout.write('a'.repeat(5 * 1_048_576), () => process.stdout.write('end'))";
    const stdout = await mustRun(node(much), { deadlineMs: 10_000 });
    expect(stdout.length).toBe(4 * 1_048_576);
    expect(stdout.endsWith("aend")).toBe(true);
  });

  test("is ended by an interruption, whose reason is thrown once it has gone", async () => {
    const interruption = new AbortController();
    const running = runTool(node("setTimeout(() => {}, 60_000)"), { deadlineMs: 60_000, signal: interruption.signal });
    interruption.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    await expect(runTool(node(""), { deadlineMs: 1_000, signal: interruption.signal })).rejects.toThrow("enough");
  });
});

describe("waiting", () => {
  test("ends with the first answer", async () => {
    let asked = 0;
    const wait = waitFor(() => (++asked === 3 ? "there" : undefined), {
      deadlineMs: 5_000,
      signal: never,
      pollMs: 1,
      describe: () => "",
    });
    expect(await wait).toBe("there");
  });

  test("ends at its deadline, saying what was there instead", async () => {
    const wait = waitFor(() => undefined, { deadlineMs: 20, signal: never, pollMs: 5, describe: () => "23 of 24" });
    await expect(wait).rejects.toThrow("not within 0.02 s: 23 of 24");
  });

  test("ends at once when it is interrupted", async () => {
    const interruption = new AbortController();
    const wait = waitFor(() => undefined, { deadlineMs: 60_000, signal: interruption.signal, describe: () => "" });
    interruption.abort(new Error("enough"));
    await expect(wait).rejects.toThrow("enough");
  });
});

describe("what an engine leaves", () => {
  test("mounts are those at or below the folder, innermost first, and not a neighbour's", () => {
    const table = ["1 2 0:1 / / rw", `3 1 0:2 / ${dir} rw`, `4 3 0:3 / ${dir}/a\\040b rw`, `5 1 0:4 / ${dir}-other rw`, ""].join(
      "\n",
    );
    expect(mountsBelow(dir, table)).toEqual([`${dir}/a b`, dir]);
  });

  test("control groups are found in every hierarchy, innermost first", () => {
    for (const path of ["memory/nexus-x/one/two", "pids/nexus-x", "nexus-x", "memory/nexus-xy"])
      mkdirSync(join(dir, path), { recursive: true });
    expect(
      cgroupsOf("nexus-x", dir)
        .map((path) => path.slice(dir.length + 1))
        .sort(),
    ).toEqual(["memory/nexus-x/one/two", "memory/nexus-x/one", "memory/nexus-x", "pids/nexus-x", "nexus-x"].sort());
    const memory = cgroupsOf("nexus-x", dir).filter((path) => path.includes("/memory/"));
    expect(memory.map((path) => path.length)).toEqual(memory.map((path) => path.length).sort((a, b) => b - a));
  });
});

test("free ports are all different", async () => {
  expect(new Set(await freePorts(20)).size).toBe(20);
});
