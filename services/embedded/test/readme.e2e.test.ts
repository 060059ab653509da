import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { connectNats } from "@nexus/adapter-nats";
import { decode, resultSchema } from "@nexus/contracts";
import { fencesOf } from "@nexus/docs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * Proves that the commands of README.md work as they stand there: each fenced `sh` line is run from the root, as a user types
 * it, or is listed here with the reason why not; a line that is neither fails. What differs from the page: the stack listens
 * on a free port (`--port 0`), of which the other commands are told by NEXUS_NATS_URL, and `nats`, which is not part of the
 * project, is stood in for by the project's own client, with the subject and the body of the line.
 */

const root = resolve(import.meta.dirname, "../../..");
const readme = readFileSync(resolve(root, "README.md"), "utf8");

function fenced(text: string, language: string): string[] {
  return fencesOf(text)
    .filter((fence) => fence.language === language)
    .map((fence) => fence.text);
}

/** The lines of `sh` blocks, without comments. */
function commandsIn(text: string): string[] {
  return fenced(text, "sh")
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/(?:^|\s+)#.*$/, "").trim())
    .filter((line) => line !== "");
}

type Way = "stays" | "ends" | "asks the stack" | "watches" | "traces" | "nats" | { readonly notRun: string };
const ways: readonly [command: RegExp, way: Way][] = [
  [/^npm start$/, "stays"],
  [/^npm start -- --once [\w./-]+$/, "ends"],
  [/^npm run nexus -- watch$/, "watches"],
  [/^npm run nexus -- trace [0-9A-Z]{26}$/, "traces"],
  [/^npm run nexus -- [\w./ -]+$/, "asks the stack"],
  [/^nats request [\w.-]+ "\$\(cat [\w./-]+\)"$/, "nats"],
  [/^npm test$/, { notRun: "this test is part of it" }],
  [/^npm run bench -- router$/, { notRun: "it takes minutes; its own suite runs it for a moment" }],
];
const wayOf = (command: string): Way | undefined => ways.find(([pattern]) => pattern.test(command))?.[1];
const all = [...new Set(commandsIn(readme))];
const those = (way: Way) => all.filter((command) => wayOf(command) === way);

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | string>;
}
const started: Run[] = [];

/** As from a terminal: in a group of its own, and with nothing of this process's own npm and vitest in its environment. */
function type(command: string, environment: Record<string, string> = {}, more: readonly string[] = []): Run {
  const [program = "", ...words] = command.split(/ +/);
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|NEXUS_|VITEST|OTEL_|REDIS_|NODE_|INIT_CWD)/i.test(name),
  );
  const child = spawn(program, [...words, ...more], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<number | string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("close", (code, signal) => done(code ?? signal ?? "?"));
  });
  const run = { child, out: () => out, err: () => err, ended };
  started.push(run);
  return run;
}

async function until(what: string, condition: () => boolean, withinMs: number, log = () => ""): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}\n${log()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Paths of an example that are not in the value; what is "…" stands for anything. */
function lacking(example: unknown, value: unknown, path = ""): string[] {
  if (example === null || typeof example !== "object" || Array.isArray(example)) return [];
  return Object.entries(example).flatMap(([key, inner]) => {
    const at = path === "" ? key : `${path}.${key}`;
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return [at];
    return lacking(inner, (value as Record<string, unknown>)[key], at);
  });
}

describe("a command of the readme", () => {
  it("is run, or listed with the reason why not", () => {
    expect(all.filter((command) => wayOf(command) === undefined)).toEqual([]);
    // Each way has a command, so that none is left from an older page.
    const used = all.map(wayOf);
    expect(ways.map(([, way]) => way).filter((way) => !used.includes(way))).toEqual([]);
  });

  it("is found in every fence, and is not taken for another", () => {
    const page =
      "text\n```sh\nnpm start   # up\n# alone\n\nnpm run nexus -- agents\n```\n```json\n{}\n```\n```sh\nrm -rf x\n```\n";
    expect(commandsIn(page)).toEqual(["npm start", "npm run nexus -- agents", "rm -rf x"]);
    for (const command of ["rm -rf x", "npm start -- --port 1", "npm test -- x", "npm run nexus -- a; b"]) {
      expect([command, wayOf(command)]).toEqual([command, undefined]);
    }
  });
});

describe("the stack of the readme", { timeout: 60_000 }, () => {
  let stack: Run;
  const once: [command: string, run: Run][] = [];
  const url = () => /^ready: NATS at (\S+),/m.exec(stack.out())?.[1] ?? "";

  beforeAll(() => {
    stack = type(those("stays")[0] ?? "", {}, ["--", "--port", "0"]);
    for (const command of those("ends")) once.push([command, type(command)]);
  });
  afterAll(async () => {
    for (const { child, ended } of started) {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await ended;
    }
  });

  it.each(those("ends"))("%s", async (command) => {
    const run = once.find(([of]) => of === command)?.[1] ?? expect.fail("it was not started");
    expect(await run.ended, run.err()).toBe(0);
    const result = JSON.parse(run.out()) as unknown;
    expect(resultSchema.parse(result)).toMatchObject({ status: "completed" });
    const [example] = fenced(readme, "json");
    expect(lacking(JSON.parse(example ?? ""), result)).toEqual([]);
  });

  it.each(those("stays"))("%s", async () => {
    await until("it is ready", () => url() !== "" || stack.child.exitCode !== null, 50_000, stack.err);
    expect(stack.out()).toMatch(/^ready: [^\n]*\n$/);
  });

  it.each(those("nats"))("%s", async (command) => {
    const [, subject = "", file = ""] = /^nats request (\S+) "\$\(cat (\S+)\)"$/.exec(command) ?? [];
    const client = await connectNats({ servers: url(), name: "readme" });
    // The shell takes the line breaks at the end away.
    const body = readFileSync(resolve(root, file), "utf8").trimEnd();
    const answer = await client.request(subject, Buffer.from(body), { timeoutMs: 10_000 });
    expect(resultSchema.parse(decode(answer.data))).toMatchObject({ status: "completed" });
    await client.close();
  });

  it.concurrent.each(those("asks the stack"))("%s", async (command) => {
    const run = type(command, { NEXUS_NATS_URL: url() });
    expect([await run.ended, run.err()]).toEqual([0, expect.not.stringContaining("error")]);
    expect(run.out()).toMatch(/completed|shard-0|nothing is wrong|1 member: 1 alive/);
  });

  const coordinate = "npm run nexus -- coordinate examples/requests/gather.json";

  it.each(those("traces"))("%s, with the id of a result", async (command) => {
    const request = type(coordinate, { NEXUS_NATS_URL: url() }, ["--json"]);
    expect(await request.ended, request.err()).toBe(0);
    const { id } = resultSchema.parse(JSON.parse(request.out()));
    const run = type(command.replace(/[0-9A-Z]{26}$/, id), { NEXUS_NATS_URL: url() });
    expect([await run.ended, run.err()]).toEqual([0, expect.not.stringContaining("error")]);
    expect(run.out()).toMatch(/process nexus\.coordinate\.gather/);
  });

  it.each(those("watches"))("%s, until Ctrl-C", async (command) => {
    const run = type(command, { NEXUS_NATS_URL: url() });
    while (!run.out().includes("completed")) expect(await type(coordinate, { NEXUS_NATS_URL: url() }).ended).toBe(0);
    process.kill(-(run.child.pid ?? 0), "SIGINT");
    expect(await run.ended, run.err()).toBe(0);
  });

  it("stops everything at Ctrl-C", async () => {
    const client = await connectNats({ servers: url(), name: "readme" });
    const { data } = await client.request("nexus.router.agents", Buffer.from("{}"), { timeoutMs: 10_000 });
    const { agents } = decode(data) as unknown as { agents: { connId: string }[] };
    const fleet = [...new Set(agents.map(({ connId }) => Number(connId.split("-").at(-1))))];
    expect(fleet.map(isAlive)).toEqual([true, true, true]);
    process.kill(-(stack.child.pid ?? 0), "SIGINT");
    await stack.ended;
    await until("the fleet is gone", () => !fleet.some(isAlive), 5_000);
    await until("the server is gone", () => !client.connected, 5_000);
    await client.close();
    await expect(connectNats({ servers: url(), name: "readme" })).rejects.toMatchObject({ code: "disconnected" });
  });
});
