/**
 * run.mjs as people run it, in a made-up project: what it installs and when, what it says and where, and
 * that signals and exit codes pass through it. No package is installed for real.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAlive, makeProject, type Project } from "./project.ts";

const PROGRAM = "services/embedded/src/main.ts";
/** Prints what it was given, as one JSON object. */
const ECHO = `console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), path: process.env.PATH,
  nats: process.env.NEXUS_NATS_SERVER, redis: process.env.NEXUS_REDIS_SERVER, node: process.execPath }));`;
/** Starts a helper that outlives the test, and drains on the first signal: the answer says how many there were. */
const DRAIN = `import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const helper = spawn("sleep", ["60"], { stdio: "ignore" });
let signals = 0;
const drain = () => {
  signals += 1;
  if (signals === 1) setTimeout(() => { writeFileSync("drained", String(signals)); process.exit(7); }, 300);
};
process.on("SIGINT", drain);
process.on("SIGTERM", drain);
setTimeout(() => process.exit(9), 60_000); // a failed test must not leave it for ever
console.log(JSON.stringify({ program: process.pid, helper: helper.pid }));`;

let project: Project;
beforeEach(() => {
  project = makeProject();
});
afterEach(() => project.remove());

const npmCalls = () => (project.has("npm-calls.txt") ? project.read("npm-calls.txt").trim().split("\n").length : 0);
const soon = { timeout: 15_000, interval: 20 };

describe("the set-up", () => {
  beforeEach(() => project.write(PROGRAM, ECHO));

  test("installs once, says so on stderr only, and then says nothing", async () => {
    const first = project.run(["start", "--once", "f.json"]);
    expect(await first.ended).toBe(0);
    expect(JSON.parse(first.stdout())).toMatchObject({ args: ["--once", "f.json"], cwd: project.root });
    expect(first.stderr()).toMatch(/installing packages with npm ci[\s\S]*packages installed/);
    expect(first.stderr()).not.toMatch(/EBADENGINE|added/);
    expect(project.read("npm-calls.txt")).toMatch(/^ci --include=dev /);

    const second = project.run(["start"]);
    expect(await second.ended).toBe(0);
    expect(second.stderr()).toBe("");
    expect(npmCalls()).toBe(1);
  });

  test("gives the program its tools and servers by absolute path", async () => {
    const run = project.run(["start"]);
    await run.ended;
    const seen = JSON.parse(run.stdout());
    expect(seen.path.startsWith(`${project.root}/node_modules/node/bin:${project.root}/node_modules/.bin:`)).toBe(true);
    expect(seen.nats).toBe(join(project.root, "fake/nats-server"));
    expect(seen.redis).toBe(join(project.root, "fake/nats-server"));
  });

  test("resolves paths where the caller is, also through npm", async () => {
    const elsewhere = join(project.root, "elsewhere");
    mkdirSync(elsewhere);
    const direct = project.run(["start"], {}, elsewhere);
    await direct.ended;
    expect(JSON.parse(direct.stdout()).cwd).toBe(elsewhere);
    const throughNpm = project.run(["start"], { npm_lifecycle_event: "start", INIT_CWD: elsewhere });
    await throughNpm.ended;
    expect(JSON.parse(throughNpm.stdout()).cwd).toBe(elsewhere);
  });

  test("accepts what was installed by hand, and installs again when the lock file changes", async () => {
    const installed = project.run(["start"]);
    await installed.ended;
    project.write("node_modules/.nexus-setup.json", "{}");
    expect(await project.run(["start"]).ended).toBe(0);
    expect(npmCalls()).toBe(1);
    project.write("package-lock.json", { packages: { "": {}, "node_modules/node": { version: "24.22.0" } } });
    const again = project.run(["start"]);
    await again.ended;
    expect(again.stderr()).toContain("node_modules/node is another one");
    expect(npmCalls()).toBe(2);
  });

  test("shows what npm said when it fails, and starts nothing", async () => {
    const run = project.run(["start"], { FAKE_NPM: "fail" });
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(/exit code 9[\s\S]*npm error code EUSAGE[\s\S]*npm ci failed/);
    expect(run.stdout()).toBe("");
    expect(project.has(".nexus/setup.lock")).toBe(false);
  });

  test("says what is wrong when npm brings no Node", async () => {
    const run = project.run(["start"], { FAKE_NPM: "no-node" });
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(/does not run as Node 24\.12\.0 or newer/);
  });

  test("runs once when it is started twice at a time", async () => {
    const first = project.run(["start"], { FAKE_NPM: "wait" });
    await expect.poll(npmCalls, soon).toBe(1);
    const second = project.run(["start"], { FAKE_NPM: "wait" });
    await expect.poll(second.stderr, soon).toContain(`waiting for the set-up that runs already (process ${first.pid})`);
    project.write("go", "");
    expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
    expect(npmCalls()).toBe(1);
    expect(second.stdout()).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(project.read("node_modules/.nexus-setup.json")).hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("ended by a signal ends npm, frees the lock and leaves with 128 + 15", async () => {
    const run = project.run(["start"], { FAKE_NPM: "wait" });
    await expect.poll(npmCalls, soon).toBe(1);
    process.kill(run.pid, "SIGTERM");
    expect(await run.ended).toBe(143);
    expect(project.has(".nexus/setup.lock")).toBe(false);
    expect(run.stdout()).toBe("");
  });

  test("refuses an unknown verb with 2, and explains itself on stdout", async () => {
    const refused = project.run(["stop"]);
    expect(await refused.ended).toBe(2);
    expect(refused.stderr()).toContain('unknown verb "stop"');
    const help = project.run(["--help"]);
    expect(await help.ended).toBe(0);
    expect(help.stdout()).toMatch(/start[\s\S]*nexus[\s\S]*test[\s\S]*check/);
    expect(npmCalls()).toBe(0);
  });

  test("asks for no server to explain the program", async () => {
    const run = project.run(["start", "--help"], { NEXUS_NATS_SERVER: "/absent/nats-server" });
    expect(await run.ended).toBe(0);
    expect(JSON.parse(run.stdout()).args).toEqual(["--help"]);
  });
});

describe("the program", () => {
  test.each([
    ["an exit code", "process.exit(42)", 42],
    ["a crash", "throw new Error('boom')", 1],
    ["a signal", "process.kill(process.pid, 'SIGKILL')", 137],
  ])("passes on %s", async (_what, source, expected) => {
    project.write(PROGRAM, source);
    expect(await project.run(["start"]).ended).toBe(expected);
  });

  /** Starts DRAIN and waits until it runs. */
  async function startDraining() {
    project.write(PROGRAM, DRAIN);
    const run = project.run(["start"]);
    await expect.poll(run.stdout, soon).toMatch(/\n$/);
    const pids: { program: number; helper: number } = JSON.parse(run.stdout());
    return { run, pids };
  }

  test("drains on one Ctrl-C, although the signal comes twice, and nothing is left", async () => {
    const { run, pids } = await startDraining();
    process.kill(-run.pid, "SIGINT"); // the terminal, to the whole foreground group
    process.kill(run.pid, "SIGINT"); // npm, which relays what it gets
    expect(await run.ended).toBe(7);
    expect(project.read("drained")).toBe("1");
    expect(isAlive(pids.program)).toBe(false);
    expect(isAlive(pids.helper)).toBe(false);
  });

  test("keeps its helpers until it has drained", async () => {
    const { run, pids } = await startDraining();
    process.kill(-run.pid, "SIGINT");
    await expect.poll(() => project.has("drained"), soon).toBe(true);
    await run.ended;
    expect(isAlive(pids.helper)).toBe(false);
  });

  test("that crashes leaves no helper", async () => {
    const { run, pids } = await startDraining();
    process.kill(pids.program, "SIGKILL");
    expect(await run.ended).toBe(137);
    expect(isAlive(pids.helper)).toBe(false);
  });

  test("drains when run.mjs is killed without a word", async () => {
    const { run, pids } = await startDraining();
    process.kill(run.pid, "SIGKILL");
    await expect.poll(() => project.has("drained"), soon).toBe(true);
    await expect.poll(() => isAlive(pids.program), soon).toBe(false);
    if (isAlive(pids.helper)) process.kill(pids.helper, "SIGKILL"); // a real program ends its own
  });

  test("drains when the npm that started run.mjs is killed", async () => {
    project.write(PROGRAM, DRAIN);
    project.write(
      "npm-like.mjs",
      `import { spawn } from "node:child_process";
spawn(process.execPath, ["infra/setup/run.mjs", "start"], { stdio: "inherit", env: { ...process.env, npm_lifecycle_event: "start" } });`,
    );
    const { spawn } = await import("node:child_process");
    const env = { ...process.env, npm_execpath: join(project.root, "fake/npm-cli.cjs"), REAL_NODE: process.execPath };
    const servers = { NEXUS_NATS_SERVER: join(project.root, "fake/nats-server"), INIT_CWD: project.root };
    const npm = spawn(process.execPath, ["npm-like.mjs"], {
      cwd: project.root,
      env: { ...env, ...servers },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let stdout = "";
    npm.stdout.on("data", (chunk) => (stdout += chunk));
    await expect.poll(() => stdout, soon).toMatch(/\n$/);
    npm.kill("SIGKILL");
    await expect.poll(() => project.has("drained"), soon).toBe(true);
    const pids: { program: number; helper: number } = JSON.parse(stdout);
    await expect.poll(() => isAlive(pids.helper), soon).toBe(false);
  });
});
