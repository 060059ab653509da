/** When packages count as installed: the stamp, npm's own record, and the lock file of this repository. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  hashInputs,
  inspectInstall,
  installedDiffers,
  lockLacks,
  stampFits,
  versionAtLeast,
  writeStamp,
} from "../install-stamp.mjs";

const node = { bytes: 100, mtimeMs: 5 };
const stamp = { hash: "h", nodeVersion: "v24.21.0", nodeBytes: 100, nodeMtimeMs: 5 };

describe("the stamp", () => {
  test("fits the same inputs and the same Node", () => expect(stampFits(stamp, "h", node)).toBe(true));

  test.each([
    ["other inputs", stamp, "other", node],
    ["no Node", stamp, "h", null],
    ["another Node of another size", stamp, "h", { ...node, bytes: 101 }],
    ["another Node of another time", stamp, "h", { ...node, mtimeMs: 6 }],
    ["a Node that is too old", { ...stamp, nodeVersion: "v24.11.9" }, "h", node],
    ["no stamp", undefined, "h", node],
    ["a stamp that is no stamp", ["h"], "h", node],
    ["a stamp without a version", { ...stamp, nodeVersion: null }, "h", node],
  ])("does not fit %s", (_what, candidate, hash, identity) => {
    expect(stampFits(candidate, hash, identity)).toBe(false);
  });
});

test.each([
  ["v24.12.0", true],
  ["v24.12.1", true],
  ["v24.21.0", true],
  ["v25.0.0", true],
  ["v24.11.9", false],
  ["v20.20.2", false],
  ["v24", false],
  ["rubbish", false],
])("%s is new enough: %s", (version, expected) => expect(versionAtLeast(version, "24.12.0")).toBe(expected));

describe("npm's record against the lock file", () => {
  const lock = {
    packages: {
      "": { name: "p" },
      "libs/a": { version: "0.1.0" },
      "node_modules/a": { resolved: "libs/a", link: true },
      "node_modules/b": { version: "1.0.0", integrity: "sha512-b" },
      "node_modules/b-windows": { version: "1.0.0", optional: true },
    },
  };
  const installed = {
    packages: {
      "libs/a": { version: "0.1.0" },
      "node_modules/a": { resolved: "libs/a", link: true },
      "node_modules/b": { version: "1.0.0", integrity: "sha512-b" },
    },
  };
  /** `installed` with one entry exchanged; undefined takes it away. */
  const withEntry = (path: string, entry: object | undefined) => ({
    packages: Object.fromEntries(Object.entries({ ...installed.packages, [path]: entry }).filter(([, value]) => value)),
  });

  test("agrees, though what is for another platform is absent", () => {
    expect(installedDiffers(lock, installed)).toBeNull();
  });

  test.each([
    ["another version", "node_modules/b", { version: "1.0.1", integrity: "sha512-b" }],
    ["another content", "node_modules/b", { version: "1.0.0", integrity: "sha512-c" }],
    ["a copy instead of a link", "node_modules/a", { version: "0.1.0" }],
    ["a package that is absent", "node_modules/b", undefined],
    ["a package that is too much", "node_modules/c", { version: "1.0.0" }],
  ])("differs by %s and names it", (_what, path, entry) => {
    expect(installedDiffers(lock, withEntry(path, entry))).toContain(path);
  });

  test("differs when one of them is not there", () => {
    expect(installedDiffers(lock, undefined)).toMatch(/nothing is installed/);
    expect(installedDiffers(undefined, installed)).toMatch(/cannot be read/);
  });
});

describe("the lock file against the manifests", () => {
  const lock = {
    packages: {
      "": { devDependencies: { x: "1", y: "^2" } },
      "libs/a": { dependencies: { z: "3" } },
      "node_modules/a": { link: true },
      "node_modules/y": { version: "2.4.0" },
      "node_modules/z": { version: "3" },
      "libs/a/node_modules/y": { version: "1.0.0" },
    },
  };

  test.each([
    ["what is recorded", "", { devDependencies: { y: "^2", x: "1" } }],
    ["a package of the project", "libs/a", { dependencies: { a: "0.1.0" } }],
    ["a version that is there for another package", "", { dependencies: { z: "3" } }],
    ["a version of the package's own", "libs/a", { devDependencies: { y: "1.0.0" } }],
    ["less than before", "libs/a", { scripts: { test: "t" } }],
  ])("has %s", (_what, dir, manifest) => expect(lockLacks(lock, [{ dir, manifest }])).toBeNull());

  test.each([
    ["another version", "libs/a", { dependencies: { z: "4" } }, "libs/a/package.json asks for z 4"],
    ["the root's version, covered by its own", "libs/a", { dependencies: { y: "2.4.0" } }, "asks for y 2.4.0"],
    ["a package that is not locked", "", { optionalDependencies: { w: "1" } }, "package.json asks for w 1"],
    ["a package of the project that is new", "libs/b", {}, "libs/b/package.json is not in package-lock.json"],
  ])("lacks %s", (_what, dir, manifest, expected) => {
    expect(lockLacks(lock, [{ dir, manifest }])).toContain(expected);
  });
});

describe("a project on disk", () => {
  let root = "";
  const write = (path: string, content: object | string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "nexus-stamp-"));
    write("package.json", { workspaces: ["libs/*", "tool"] });
    write("libs/a/package.json", { name: "a" });
    write("libs/notes.txt", "no package");
    const entry = { "node_modules/node": { version: "24.21.0" } };
    write("package-lock.json", { packages: { "": {}, "libs/a": { name: "a" }, ...entry } });
    write("node_modules/.package-lock.json", { packages: { "libs/a": { name: "a" }, ...entry } });
    write("node_modules/node/bin/node", "not a binary");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test("installed by hand needs a stamp only; with it, it is current", () => {
    expect(inspectInstall(root)).toMatchObject({ state: "unstamped" });
    writeStamp(root, hashInputs(root), "v24.21.0");
    expect(inspectInstall(root)).toEqual({ state: "current" });
  });

  test("an edited script asks for a new stamp, a new dependency for an installation", () => {
    writeStamp(root, hashInputs(root), "v24.21.0");
    write("libs/a/package.json", { name: "a", scripts: { test: "t" } });
    expect(inspectInstall(root)).toMatchObject({ state: "unstamped" });
    write("libs/a/package.json", { name: "a", dependencies: { b: "1.0.0" } });
    expect(inspectInstall(root)).toMatchObject({ state: "missing", reason: expect.stringContaining("libs/a") });
  });

  test("a new workspace package, and a package folder that was deleted, ask for an installation", () => {
    write("tool/package.json", { name: "tool" });
    expect(inspectInstall(root)).toMatchObject({ state: "missing", reason: expect.stringContaining("tool") });
    rmSync(join(root, "tool"), { recursive: true });
    rmSync(join(root, "node_modules/node"), { recursive: true });
    expect(inspectInstall(root)).toMatchObject({ state: "missing", reason: expect.stringContaining("is gone") });
  });
});

test("the lock file of this repository names every optional package, or npm ci refuses it", () => {
  const path = fileURLToPath(new URL("../../../package-lock.json", import.meta.url));
  const packages: Record<string, { optionalDependencies?: Record<string, string> }> = JSON.parse(
    readFileSync(path, "utf8"),
  ).packages;
  const absent = Object.entries(packages).flatMap(([parent, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${parent}/node_modules/${name}`],
    ),
  );
  expect(absent).toEqual([]);
});
