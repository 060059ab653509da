import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../src/report/report.ts";

/**
 * Proves: the router suite runs whole against real processes, its JSON has the shape that is promised, and nothing is
 * left running, whether it ends by itself or by a signal. It measures nothing.
 */

const main = join(import.meta.dirname, "../src/main.ts");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-bench-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(...argv: string[]) {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [child.stdout, child.stderr].map((stream) => {
    const texts: string[] = [];
    stream.setEncoding("utf8").on("data", (text: string) => texts.push(text));
    return () => texts.join("");
  }) as [() => string, () => string];
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, out, err, ended };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the router suite", () => {
  it("runs, reports, and leaves nothing behind", async () => {
    const page = join(folder, "page.html");
    const { out, err, ended } = start("router", "--quick", "--rounds", "1", "--json", "-", "--page", page, "--profile", folder);
    const code = await ended;
    const report = JSON.parse(out()) as Report;
    // So short a phase may miss its load on a busy machine, and is void then; errors there are none.
    expect(report.results.flatMap(({ errorSamples }) => errorSamples)).toEqual([]);
    expect(code).toBe(report.valid ? 0 : 1);
    expect(report).toMatchObject({ format: 1, suite: "router", quick: true, profiled: true, floor: "relay" });
    expect(report.machine).toMatchObject({ node: process.version, cores: expect.any(Number) });
    expect(report.versions["nats-server"]).toMatch(/^\d+\.\d+/);
    expect(report.results).toHaveLength(report.loads.length * report.candidates.length);
    for (const result of report.results) {
      expect(result.requests).toBeGreaterThan(0);
      expect(result.latencyUs.p50).toBeGreaterThan(0);
      expect(result.latencyUs.max).toBeGreaterThanOrEqual(result.latencyUs.p99);
    }
    expect(report.groups.filter(({ ratios }) => ratios?.p50 !== undefined)).toHaveLength(report.loads.length);
    expect(report.aims).toHaveLength(3);
    const names = report.roles.map(({ name }) => name).sort();
    expect(names).toEqual(["agents", "bare-agents", "load-generator", "nats-server", "relay", "router", "telemetry-sink"]);
    expect(report.roles.filter(({ pid }) => isRunning(pid))).toEqual([]);
    expect(err()).toMatch(/router: busy .* s, idle .* s/);
    expect(await readFile(page, "utf8")).toContain("<h1>router</h1>");
  });

  it("ends its processes when it is interrupted", async () => {
    const { child, err, ended } = start("router", "--quick");
    await expect.poll(err, { timeout: 20_000 }).toContain("warm-up");
    child.kill("SIGTERM");
    expect(await ended).toBe(128 + 15);
    expect(err()).toContain("interrupted by SIGTERM");
  });

  it("refuses what it does not know with 2", async () => {
    for (const argv of [["raft"], ["router", "--loads", "2 in flight"], []]) {
      const { err, ended } = start(...argv);
      expect(await ended).toBe(2);
      expect(err()).toMatch(/^bench: /);
    }
  });
});
