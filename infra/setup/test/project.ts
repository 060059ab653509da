/**
 * A project in a temporary folder with the real set-up scripts and a made-up npm, so that run.mjs can be
 * run as people run it and nothing is installed for real.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Stands for npm: "installs" Node as a link, with the noise of the real one; its behaviour comes by variables. */
const FAKE_NPM = `
const fs = require("node:fs");
fs.appendFileSync("npm-calls.txt", process.argv.slice(2).join(" ") + "\\n");
console.log("added 3 packages");
console.error("npm warn EBADENGINE Unsupported engine");
if (process.env.FAKE_NPM === "fail") { console.error("npm error code EUSAGE"); process.exit(9); }
const finish = () => {
  fs.mkdirSync("node_modules/node/bin", { recursive: true });
  fs.rmSync("node_modules/node/bin/node", { force: true });
  if (process.env.FAKE_NPM !== "no-node") fs.symlinkSync(process.env.REAL_NODE, "node_modules/node/bin/node");
  fs.writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/node": { version: "24.21.0" } } }));
};
if (process.env.FAKE_NPM === "wait") {
  const timer = setInterval(() => fs.existsSync("go") && (clearInterval(timer), finish(), process.exit(0)), 20);
  setTimeout(() => process.exit(8), 60_000); // a failed test must not leave it for ever
} else finish();
`;

export interface Run {
  child: ChildProcess;
  pid: number;
  stdout: () => string;
  stderr: () => string;
  /** The exit code, or the signal's name. */
  ended: Promise<number | string>;
}

export interface Project {
  root: string;
  write: (path: string, content: string | object) => void;
  read: (path: string) => string;
  has: (path: string) => boolean;
  run: (args: string[], env?: Record<string, string>, cwd?: string) => Run;
  /** Ends what a failed test left running, and removes the folder. */
  remove: () => void;
}

export function makeProject(): Project {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "nexus-project-")));
  const pids: number[] = [];
  const write = (path: string, content: string | object) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content), { mode: 0o755 });
  };
  cpSync(fileURLToPath(new URL("..", import.meta.url)), join(root, "infra/setup"), {
    recursive: true,
    filter: (path) => !path.endsWith("/test"),
  });
  write("package.json", { name: "made-up", type: "module", workspaces: [] });
  write("package-lock.json", { packages: { "": { name: "made-up" }, "node_modules/node": { version: "24.21.0" } } });
  write("fake/npm-cli.cjs", FAKE_NPM);
  write("fake/nats-server", "#!/bin/sh\n");

  const run = (args: string[], env: Record<string, string> = {}, cwd = root): Run => {
    const { npm_lifecycle_event: _event, INIT_CWD: _cwd, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(root, "infra/setup/run.mjs"), ...args], {
      cwd,
      env: {
        ...inherited,
        npm_execpath: join(root, "fake/npm-cli.cjs"),
        REAL_NODE: process.execPath,
        NEXUS_NATS_SERVER: join(root, "fake/nats-server"),
        NEXUS_REDIS_SERVER: join(root, "fake/nats-server"),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a group of its own, as a terminal gives it, and a test can press Ctrl-C on it
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    const ended = new Promise<number | string>((resolve) => {
      child.once("close", (code, signal) => resolve(code ?? signal ?? "?"));
    });
    const pid = child.pid ?? 0;
    pids.push(pid);
    return { child, pid, stdout: () => stdout, stderr: () => stderr, ended };
  };

  return {
    root,
    write,
    read: (path) => readFileSync(join(root, path), "utf8"),
    has: (path) => existsSync(join(root, path)),
    run,
    remove() {
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGTERM");
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Whether a process runs; one that has ended and was not collected yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  if (!existsSync("/proc/self/stat")) return true;
  try {
    const text = readFileSync(stat, "utf8");
    return text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false; // it ended between the two looks
  }
}
