/**
 * What the pages tell their readers to do works: every command of docs/*.md is run against the embedded stack, as it is
 * written, in a folder like a reader's; every program is saved, type-checked and run; and what the pages show is what is said.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../src/documents.ts";
import { fencesOf } from "../src/markdown.ts";
import { type PageReport, runPage, type Surroundings } from "../src/page-runner.ts";
import { stepsOfPage } from "../src/page-steps.ts";

/** Commands that no test runs. */
const notRun: Surroundings["notRun"] = [
  { script: /^docker compose /, why: "it needs an engine for containers; npm run compose:test does it where there is one" },
  { script: /^npm run compose:test$/, why: "it takes minutes, and installs an engine where none runs" },
];

const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const textOf = (page: string) => readFileSync(join(root, "docs", page), "utf8");
const withCommands = pages.filter((page) => stepsOfPage(textOf(page)).some(({ kind }) => kind === "run"));

/** Within the repository, so that programs find the packages as they do in a reader's clone. */
mkdirSync(join(root, ".nexus"), { recursive: true });
const scratch = mkdtempSync(join(root, ".nexus/docs-"));
function folderOf(page: string): string {
  const folder = join(scratch, page.replace(/\.md$/, ""));
  mkdirSync(folder, { recursive: true });
  return folder;
}

let stack: ChildProcess;
function endStack(): void {
  if (stack.pid !== undefined && stack.exitCode === null && stack.signalCode === null) process.kill(-stack.pid, "SIGINT");
}
let said = "";
const reports = new Map<string, PageReport>();

beforeAll(async () => {
  // `npm start`, on a port of its own: once for all pages.
  stack = spawn("npm", ["start", "--", "--port", "0"], { cwd: root, stdio: ["ignore", "pipe", "inherit"], detached: true });
  process.once("exit", endStack); // if the tests are given up
  const ready = new Promise<void>((resolve, reject) => {
    stack.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("\n")) resolve();
    });
    stack.once("exit", (code) => reject(new Error(`npm start ended with ${code}`)));
  });
  await ready;
}, 60_000);
afterAll(async () => {
  const ended = stack.exitCode === null ? once(stack, "exit") : undefined;
  endStack();
  await ended;
  rmSync(scratch, { recursive: true, force: true });
}, 20_000);

describe("the commands of the pages", () => {
  it("are there", () => {
    expect(withCommands).toEqual(expect.arrayContaining(["getting-started.md", "protocol.md"]));
  });

  it.each(withCommands)(
    "docs/%s",
    async (page) => {
      const url = /nats:\/\/[^\s,]+/.exec(said)?.[0] ?? "";
      const directory = folderOf(page);
      symlinkSync(join(root, "examples"), join(directory, "examples"));
      const report = await runPage(stepsOfPage(textOf(page)), {
        directory,
        environment: { ...process.env, NEXUS_NATS_URL: url, NATS_URL: url, NO_COLOR: "1" },
        shims: { nats: [process.execPath, join(root, "infra/docs/src/nats-shim.ts")] },
        // The port is what this test asked for.
        standing: { "npm start": said.replace(url, "nats://127.0.0.1:4222") },
        notRun,
      });
      reports.set(page, report);
      expect(report.faults).toEqual([]);
    },
    60_000,
  );

  it("are all run, or not run for a reason that still holds", () => {
    const skipped = [...reports.values()].flatMap((report) => report.notRun);
    expect(notRun.filter(({ script }) => !skipped.some((text) => script.test(text)))).toEqual([]);
    const ran = [...reports.values()].flatMap((report) => report.ran);
    const all = withCommands.flatMap((page) => stepsOfPage(textOf(page)).filter(({ kind }) => kind === "run"));
    expect(ran.length + skipped.length).toBe(all.length);
  });
});

describe("the programs of the pages", () => {
  const programs = pages.flatMap((page) =>
    fencesOf(textOf(page))
      .filter(({ language }) => language === "ts")
      .map(({ label, text, line }) => ({ page, name: label, text, line })),
  );

  it("are run where they are whole", () => {
    const whole = programs.filter(({ name }) => name !== "");
    const commands = [...reports.values()].flatMap((report) => report.ran).join("\n");
    expect(whole.length).toBeGreaterThan(1);
    expect(whole.filter(({ name }) => !commands.includes(name))).toEqual([]);
  });

  it("are well typed", async () => {
    const folder = folderOf("types");
    for (const { page, name, text, line } of programs) {
      const file = name === "" ? `line-${line}.ts` : name;
      writeFileSync(join(folder, `${page.replace(/\.md$/, "")}-${file}`), `${text}\nexport {};\n`);
    }
    const config = { extends: "../../../tsconfig.base.json", compilerOptions: { noUnusedLocals: false }, include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = spawn(process.execPath, [join(root, "node_modules/.bin/tsc"), "--noEmit", "-p", folder], { stdio: "pipe" });
    let faults = "";
    tsc.stdout.setEncoding("utf8").on("data", (text: string) => {
      faults += text;
    });
    const [code] = await once(tsc, "close");
    expect(faults).toBe("");
    expect(code).toBe(0);
  }, 60_000);
});
