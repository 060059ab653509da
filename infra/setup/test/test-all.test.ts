/**
 * The closing line and the exit code of a whole run, with the real vitest on made-up suites. A path filter
 * leaves type check and lint out, so a run takes about a second.
 */
import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeProject, type Project } from "./project.ts";

let project: Project;
beforeEach(() => {
  project = makeProject();
  symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(project.root, "node_modules"));
  project.write("vitest.config.ts", `export default { test: { include: ["suites/**/*.test.ts"] } };`);
});
afterEach(() => project.remove());

const suite = (name: string, body: string) =>
  project.write(`suites/${name}.test.ts`, `import { expect, test } from "vitest";\n${body}`);

function runTests(...args: string[]) {
  const env = { ...process.env, CI: "true", NX_DAEMON: "true", NX_NO_CLOUD: "false" };
  const run = spawnSync(process.execPath, ["infra/setup/test-all.mjs", ...args], { cwd: project.root, env, encoding: "utf8" });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr, last: run.stdout.trimEnd().split("\n").at(-1) };
}

describe("npm test", () => {
  test("ends with the count and lists what was skipped", () => {
    suite(
      "good",
      `test("a", () => {}); test("b", () => {}); test("c", (context) => context.skip("no printer")); test.todo("d");`,
    );
    const run = runTests("suites/");
    expect(run).toMatchObject({ code: 0, last: "2 passed, 0 failed, 2 skipped" });
    expect(run.stdout.endsWith("skipped\n")).toBe(true);
    expect(run.stdout).toContain("suites/good.test.ts > c (no printer)");
    expect(run.stdout).toContain("suites/good.test.ts > d (todo)");
    expect(run.stderr).toContain("only vitest, and only files that match: suites/");
  });

  test("fails for a failed test, a broken file and an unhandled error, each counted", () => {
    suite("good", `test("a", () => {});`);
    suite("bad", `test("b", () => expect(1).toBe(2));`);
    suite("broken", `import "./absent.ts";`);
    suite("late", `test("c", () => { Promise.reject(new Error("too late")); });`);
    const run = runTests("suites/");
    expect(run).toMatchObject({ code: 1, last: "2 passed, 3 failed, 0 skipped" });
    expect(run.stdout).toContain("unhandled error: Error: too late");
  });

  test("fails when the filter matches nothing", () => {
    expect(runTests("absent/")).toMatchObject({ code: 1, last: "0 passed, 1 failed, 0 skipped" });
  });

  test("keeps the suites from starting a daemon or calling a cloud", () => {
    suite("nx", `test("a", () => expect([process.env.NX_DAEMON, process.env.NX_NO_CLOUD]).toEqual(["false", "true"]));`);
    expect(runTests("suites/")).toMatchObject({ code: 0, last: "1 passed, 0 failed, 0 skipped" });
  });

  test("with --json prints one object on stdout and everything else on stderr", () => {
    suite("good", `test("a", () => console.log("noise"));`);
    const run = runTests("--json", "suites/");
    expect(JSON.parse(run.stdout)).toMatchObject({
      passed: 1,
      failed: 0,
      skipped: 0,
      suites: [{ name: "vitest", passed: 1, failed: 0, skipped: 0, durationMs: expect.any(Number) }],
    });
    expect(run.stderr).toContain("noise");
    expect(run.code).toBe(0);
  });

  test("explains itself and refuses what it does not know", () => {
    expect(runTests("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("path filter") });
    expect(runTests("--check", "suites/")).toMatchObject({ code: 2, stderr: expect.stringContaining("no path filter") });
    expect(runTests("--watch")).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option --watch") });
  });
});

test("npm run check counts type check and lint as one test each", () => {
  project.write("tsconfig.json", { compilerOptions: { strict: true, noEmit: true, types: [] }, include: ["suites/*.ts"] });
  project.write("suites/wrong.ts", `export const length = (text: string): string => text.length;\n`);
  project.write("biome.json", { formatter: { enabled: false }, files: { includes: ["suites/*.ts"] } });
  expect(runTests("--check")).toMatchObject({ code: 1, last: "1 passed, 1 failed, 0 skipped" });
  project.write("suites/wrong.ts", `export const length = (text: string): number => text.length;\n`);
  expect(runTests("--check")).toMatchObject({ code: 0, last: "2 passed, 0 failed, 0 skipped" });
});
