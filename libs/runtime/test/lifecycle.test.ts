/** Stopping in order and in time; signals, second signals and defects, each proved on a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Logger, silentLogger } from "@nexus/ports";
import { describe, expect, test } from "vitest";
import { createLifecycle } from "../src/index.ts";

describe("stop", () => {
  test("the last started is stopped first; L1: failures and overruns are logged, and the rest follows", async () => {
    const logged: string[] = [];
    const logger: Logger = { ...silentLogger, error: (fields) => void logged.push((fields as { step: string }).step) };
    const lifecycle = createLifecycle({ logger, stepTimeoutMs: 20 });
    const order: string[] = [];
    lifecycle.onStop("first", () => void order.push("first"));
    lifecycle.onStop("never", () => new Promise<void>(() => {}));
    lifecycle.onStop("throws", () => {
      throw new Error("no");
    });
    lifecycle.onStop("rejects", async () => Promise.reject(new Error("no")));
    lifecycle.onStop("last", () => void order.push("last"));
    expect(await lifecycle.stop()).toEqual(["rejects", "throws", "never"]);
    expect(order).toEqual(["last", "first"]);
    expect(logged).toEqual(["rejects", "throws", "never"]);
  });

  test("it happens once", async () => {
    const lifecycle = createLifecycle({ logger: silentLogger, stepTimeoutMs: 1_000 });
    let stops = 0;
    lifecycle.onStop("one", () => void stops++);
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    expect(stops).toBe(1);
  });

  test("L2: what is added while or after everything stops is stopped too", async () => {
    const lifecycle = createLifecycle({ logger: silentLogger, stepTimeoutMs: 1_000 });
    const stopped: string[] = [];
    lifecycle.onStop("adds", () => lifecycle.onStop("during", () => void stopped.push("during")));
    await lifecycle.stop();
    lifecycle.onStop("after", () => void stopped.push("after"));
    expect(stopped).toEqual(["during", "after"]);
  });
});

describe("exitOnSignals", () => {
  const fixture = join(import.meta.dirname, "fixtures/stopping-process.ts");
  const ready = async (mode: string): Promise<{ child: ChildProcess; output: () => string }> => {
    const child = spawn(process.execPath, [fixture, mode], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    await new Promise<void>((resolve, reject) => {
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("running")) resolve();
      });
      child.once("exit", () => reject(new Error(`ended before it ran: ${output}`)));
    });
    return { child, output: () => output };
  };

  test("a signal stops gracefully and exits with 0", async () => {
    const { child, output } = await ready("clean");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(output()).toContain("stopped");
  });

  test("a step that fails makes it 1", async () => {
    const { child } = await ready("failing");
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([1, null]);
  });

  test("a second signal exits at once with 128 + its number", async () => {
    const { child, output } = await ready("hanging");
    child.kill("SIGTERM");
    child.stdout?.on("data", () => {
      if (output().includes("hangs")) child.kill("SIGINT");
    });
    expect(await once(child, "close")).toEqual([130, null]);
  });

  test.each(["uncaughtException", "unhandledRejection"])("%s is logged and exits with 1", async (event) => {
    const { child, output } = await ready(event);
    child.kill("SIGUSR2");
    expect(await once(child, "close")).toEqual([1, null]);
    expect(output()).toContain(`defect: ${event}`);
  });
});
