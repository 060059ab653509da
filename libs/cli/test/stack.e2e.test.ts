/**
 * The command as its users start it, against the stack as they start it: `npm start` and `nexus` are child processes here.
 * A gather's trace has its 24 handlers; pipes that break and Ctrl-C end it cleanly; shells get what completes a word.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const nexus = resolve(import.meta.dirname, "../bin/nexus");
const home = mkdtempSync(join(tmpdir(), "nexus-stack-"));
let stack: ChildProcess;
let url = "";
let said = "";

beforeAll(async () => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...environment } = process.env;
  stack = spawn(process.execPath, [resolve(root, "services/embedded/src/main.ts"), "--port", "0"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  stack.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await waitUntil(() => said.includes("\n"), { what: "npm start is ready", deadlineMs: 60_000 });
  url = /nats:\/\/[\d.:]+/.exec(said)?.[0] ?? "";
}, 70_000);
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  if (stack?.exitCode !== null) return;
  stack.kill("SIGINT");
  await once(stack, "exit");
});

const environment = () => ({ ...process.env, NEXUS_NATS_URL: url, XDG_CONFIG_HOME: home, NO_COLOR: "1" });

function start(args: readonly string[]) {
  const child = spawn(nexus, args, { cwd: root, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    out,
    err,
  }));
  return { child, ended, out: () => out };
}
const run = (args: readonly string[]) => start(args).ended;

/** Through a shell, as people write pipes; the codes are those of the pipe's parts. */
async function shell(line: string): Promise<string> {
  const script = `set -o pipefail; ${line.replaceAll("nexus ", `'${nexus}' `)}; echo "codes \${PIPESTATUS[*]}"`;
  const child = spawn("bash", ["-c", script], { cwd: root, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await once(child, "close");
  return text;
}

test("npm start says that it is ready in one line", () => {
  expect(said.trim().split("\n")).toEqual([expect.stringMatching(/^ready: NATS at nats:\S+, 24 agents\. Try: /)]);
});

describe("a gather's trace", () => {
  test("is found by the request's id without being told where, with its 24 handlers", async () => {
    const { id, traceId } = JSON.parse((await run(["coordinate", "examples/requests/stats.json", "--json"])).out);
    const { code, out, err } = await run(["trace", id]);
    expect([code, err]).toEqual([0, ""]);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(new RegExp(`^trace ${traceId}  [\\d.]+ m?s  27 spans  code-search, nexus-router$`));
    expect(lines[1]).toMatch(
      new RegExp(`^process nexus\\.coordinate\\.gather .* completed  24 of 24 agents  nexus-router  request ${id}$`),
    );
    expect(lines[2]).toMatch(/^└─ attempt foundation\/foundation /);
    expect(lines[3]).toMatch(/^ {3}└─ publish agents\.in .* 24 of 24 agents$/);
    const handlers = lines.slice(4).map((line) => /^ {6}[├└]─ process stats .* (shard-\d+)$/.exec(line)?.[1]);
    expect(new Set(handlers)).toEqual(new Set(Array.from({ length: 24 }, (_, shard) => `shard-${shard}`)));
    expect(lines).toHaveLength(4 + 24);
  });

  test("is JSON for other programs, by its own id", async () => {
    const { traceId } = JSON.parse((await run(["coordinate", "examples/requests/stats.json", "--json"])).out);
    const { out } = await run(["trace", traceId, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ traceID: traceId, spans: expect.arrayContaining([expect.anything()]) });
    expect(JSON.parse(out).spans).toHaveLength(27);
  });
});

test("doctor finds nothing wrong with it", async () => {
  const { code, out } = await run(["doctor", "--json"]);
  const states = JSON.parse(out).map(({ check, state }: { check: string; state: string }) => `${check} ${state}`);
  expect(states.filter((state: string) => !/ (ok|skipped)$/.test(state))).toEqual([]);
  expect(code).toBe(0);
});

describe("ends cleanly", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("watch on %s", async (signal) => {
    const watch = start(["watch", "--json"]);
    await waitUntil(
      async () => {
        await run(["coordinate", "examples/requests/stats.json"]);
        return watch.out() !== "";
      },
      { what: "it watches", deadlineMs: 20_000 },
    );
    watch.child.kill(signal);
    expect(await watch.ended).toMatchObject({ code: 0, signal: null, err: "" });
  });

  test("when whoever reads has had enough", async () => {
    expect(await shell("nexus agents | head -n 1")).toMatch(/^┌[^\n]*\ncodes (?:0|141) 0\n$/);
    expect(await shell("nexus trace --help | head -n 1")).toMatch(/^Usage: nexus trace[^\n]*\ncodes (?:0|141) 0\n$/);
    const watching = shell("nexus watch --json | head -n 1");
    let isOver = false;
    void watching.then(() => (isOver = true));
    await waitUntil(
      async () => {
        await run(["coordinate", "examples/requests/stats.json"]);
        return isOver;
      },
      { what: "head has its line", deadlineMs: 20_000 },
    );
    expect(await watching).toMatch(/^\{"router":[^\n]*\}\ncodes 141 0\n$/); // as SIGPIPE would end it
  });

  test("without colours where there is no terminal", async () => {
    expect((await run(["agents"])).out).not.toContain("\u001b");
  });
});

describe("completion", () => {
  const completed = async (...words: string[]) => {
    const { out } = await run(["complete", "--", ...words]);
    return out
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith(":"))
      .map((line) => line.split("\t")[0]);
  };

  test.each(["bash", "zsh", "fish"])("a script for %s that asks nexus", async (kind) => {
    const { code, out, err } = await run(["completion", kind]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("nexus complete -- ");
    if (kind !== "bash") return;
    const checked = spawn("bash", ["-n"], { stdio: ["pipe", "ignore", "ignore"] });
    checked.stdin.end(out);
    expect((await once(checked, "close"))[0]).toBe(0);
  });

  test("commands, their subcommands, options of their own and of all", async () => {
    expect(await completed("wa")).toEqual(["watch"]);
    expect(await completed("requests", "c")).toEqual(["cancel"]);
    expect(await completed("gossip", "c")).toEqual(["converged"]);
    expect(await completed("gossip", "get", "--un")).toEqual(["--under"]);
    expect(await completed("watch", "--st")).toEqual(["--status"]);
    expect(await completed("watch", "--js")).toEqual(["--json"]);
    expect(await completed("top", "--sort", "q")).toEqual(["queue"]);
    expect(await completed("watch", "--status", "f")).toEqual(["failed"]);
    expect(await completed("watch", "--type", "ga")).toEqual(["gather"]);
    expect(await completed("doctor", "--require", "go")).toEqual(["gossip"]);
  });

  test("names of contexts", async () => {
    await run(["context", "add", "prod-eu", "--server", "nats://eu:4222"]);
    await run(["context", "add", "prod-us", "--server", "nats://us:4222"]);
    expect(await completed("context", "use", "prod")).toEqual(["prod-eu", "prod-us"]);
    expect(await completed("agents", "--context", "prod-u")).toEqual(["prod-us"]);
    expect((await run(["context", "remove", "prod-us"])).code).toBe(0);
    await run(["context", "add", "secret", "--server", "nats://me:geheim@eu:4222"]);
    const { out } = await run(["complete", "--", "context", "use", "sec"]);
    expect(out).toContain("secret\tnats://***@eu:4222");
  });

  test("another shell is refused", async () => {
    expect(await run(["completion", "dos"])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("Allowed choices are"),
    });
  });
});
