import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/**
 * The rules of style that no linter has, held for every file that is tracked or could be: names, sizes, pinned versions,
 * and no trace of the place where the code was written. Each rule is a function from files to offenders, and is shown
 * offenders of its own first, so that a rule that sees nothing is a failing test.
 */

interface File {
  readonly path: string;
  readonly text: string;
}

const LINES_MAX = 500;
const MAIN_LINES_MAX = 40;

const isCode = ({ path }: File) => /\.(?:ts|tsx|mjs)$/.test(path);
const lineCount = ({ text }: File) => text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

function tooLong(files: readonly File[]): string[] {
  return files
    .filter((file) => isCode(file) && lineCount(file) > LINES_MAX)
    .map((file) => `${file.path}: ${lineCount(file)} lines, at most ${LINES_MAX}`);
}

function mainTooLong(files: readonly File[]): string[] {
  return files
    .filter((file) => /^services\/[^/]+\/(?:src\/)?main\.ts$/.test(file.path) && lineCount(file) > MAIN_LINES_MAX)
    .map((file) => `${file.path}: ${lineCount(file)} lines, at most ${MAIN_LINES_MAX}`);
}

/** `gather-loop.ts`, `codec.test.ts`, `coordination.e2e.test.ts`, in folders that are kebab-case too. */
function notKebabCase(files: readonly File[]): string[] {
  const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*$/;
  const named = ({ path }: File) =>
    [...dirname(path).split("/"), ...basename(path).split(".")].filter((part) => !["", "."].includes(part));
  return files.filter((file) => isCode(file) && !named(file).every((part) => kebab.test(part))).map(({ path }) => path);
}

function vagueFolders(files: readonly File[]): string[] {
  return files.filter(({ path }) => /(?:^|\/)(?:common|shared|utils?|helpers?)\//.test(path)).map(({ path }) => path);
}

function notPinned(files: readonly File[]): string[] {
  const fields = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
  return files
    .filter(({ path }) => basename(path) === "package.json")
    .flatMap(({ path, text }) => {
      const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
      const versions = fields.flatMap((field) => Object.entries(manifest[field] ?? {}));
      return versions
        .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${path}: ${name} ${version}`);
    });
}

/** Absolute paths of a workplace, which tests may need. Homebrew on Linux lives under /home on every machine. */
function workplaces(files: readonly File[]): string[] {
  const places = /(?<![\w.:/@$}*-])\/(?:work|tmp|home(?!\/linuxbrew\/)|root|Users)(?:\/|\b(?![-\w]))/;
  return files
    .filter(({ path }) => /\.(?:ts|tsx|mjs|md|json|sh|grit)$/.test(path) && !/(?:^|\/)test\//.test(path))
    .flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, index) => (places.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
}

const root = resolve(import.meta.dirname, "../../..");

function filesOfTheTree(): File[] {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  return [...new Set(list.split("\0"))]
    .filter((path) => path !== "" && lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile())
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

const lines = (count: number) => "x;\n".repeat(count);
const manifest = (version: string) => JSON.stringify({ dependencies: { nats: "2.29.3" }, devDependencies: { zod: version } });

/** Apart, so that this file is not what it looks for. */
const place = "work";

const rules: readonly { name: string; check: (files: readonly File[]) => string[]; bad: File[]; good: File[] }[] = [
  {
    name: `no source file has more than ${LINES_MAX} lines`,
    check: tooLong,
    bad: [
      { path: "libs/engine/src/engine.ts", text: lines(501) },
      { path: "infra/setup/run.mjs", text: `${lines(500)}x;` },
    ],
    good: [
      { path: "libs/engine/src/engine.ts", text: lines(500) },
      { path: "biome.json", text: lines(900) },
    ],
  },
  {
    name: `no service has a main.ts of more than ${MAIN_LINES_MAX} lines`,
    check: mainTooLong,
    bad: [{ path: "services/router/src/main.ts", text: lines(41) }],
    good: [
      { path: "services/router/src/main.ts", text: lines(40) },
      { path: "services/router/src/service.ts", text: lines(41) },
    ],
  },
  {
    name: "names of files and folders are kebab-case",
    check: notKebabCase,
    bad: [
      { path: "libs/engine/src/gatherLoop.ts", text: "" },
      { path: "libs/engine/src/gather_loop.ts", text: "" },
      { path: "libs/engine/src/Gather.test.ts", text: "" },
      { path: "libs/engine/src/fanOut/drive.ts", text: "" },
    ],
    good: [
      { path: "libs/engine/src/gather-loop.ts", text: "" },
      { path: "services/router/test/coordination.e2e.test.ts", text: "" },
      { path: "libs/contracts/src/types.d.mts", text: "" },
      { path: "vitest.config.ts", text: "" },
      { path: "README.md", text: "" },
    ],
  },
  {
    name: "no folder is called common, shared, utils or helpers",
    check: vagueFolders,
    bad: [
      { path: "libs/common/package.json", text: "" },
      { path: "libs/engine/src/utils/sum.ts", text: "" },
      { path: "libs/engine/test/helpers/clock.ts", text: "" },
      { path: "services/shared/a.json", text: "" },
    ],
    good: [{ path: "libs/engine/src/shared-state.ts", text: "" }],
  },
  {
    name: "every package pins exact versions",
    check: notPinned,
    bad: ["^4.6.7", "~4.6.7", "*", "latest", ">=4", "4.6", "4.x", "file:../zod"].map((version) => ({
      path: "libs/engine/package.json",
      text: manifest(version),
    })),
    good: [
      { path: "libs/engine/package.json", text: manifest("4.6.7") },
      { path: "package.json", text: manifest("4.6.7-beta.1") },
    ],
  },
  {
    name: "no source names a path of a workplace",
    check: workplaces,
    bad: [
      { path: "libs/engine/src/engine.ts", text: `const path = "/${place}/main";` },
      { path: "docs/running.md", text: "Logs are in /tmp." },
      { path: "docs/running.md", text: "See `/tmp/log`." },
      { path: "libs/cli/src/main.ts", text: "// /home/someone/nexus" },
      { path: "package.json", text: '{ "scripts": { "start": "/root/node start" } }' },
    ],
    good: [
      { path: "libs/engine/test/engine.test.ts", text: 'const path = "/tmp/x";' },
      { path: "infra/setup/find-servers.mjs", text: '"/home/linuxbrew/.linuxbrew/bin"' },
      { path: "docs/running.md", text: `and/${place}/ that, https://example.org/${place}/, ./tmp/x, /temporary, /workers` },
    ],
  },
];

describe("style", () => {
  const tree = filesOfTheTree();

  describe.each(rules)("$name", ({ check, bad, good }) => {
    it("sees each violation and nothing else", () => {
      expect(bad.filter((file) => check([file]).length === 0)).toEqual([]);
      expect(check(good)).toEqual([]);
    });

    it("holds for the tree", () => {
      expect(check(tree)).toEqual([]);
    });
  });

  it("looks at the whole tree", () => {
    const paths = tree.map(({ path }) => path);
    expect(paths).toContain("package.json");
    expect(paths).toContain("infra/lint/test/style.test.ts");
    expect(paths.filter((path) => path.includes("node_modules/"))).toEqual([]);
  });
});
