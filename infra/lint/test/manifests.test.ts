import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/**
 * Proves that each package's manifest names what its code imports, and nothing else: what `src` imports is a dependency, what
 * only tests and suites for tests import is one for development. Shown offenders of its own first.
 */

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly manifest: Manifest;
  /** Path within the package, and text. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** Runs the tests of every package that has a script for it; tests of plain assertions import nothing else of it. */
const RUNNER = "vitest";

const importing = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)"([^".][^"]*)"/g;

/** `@scope/name/entry` and `name/entry` are of the packages `@scope/name` and `name`. */
function packagesIn(text: string): string[] {
  const packages = [...text.matchAll(importing)].map(([, path = ""]) => path).filter((path) => !path.startsWith("node:"));
  return packages.map((path) =>
    path
      .split("/")
      .slice(0, path.startsWith("@") ? 2 : 1)
      .join("/"),
  );
}

function faultsOf({ manifest, files }: Package): string[] {
  const imported = (inTests: boolean) => {
    const texts = files.filter(({ path }) => /^(?:test|conformance)\//.test(path) === inTests).map(({ text }) => text);
    return new Set(texts.flatMap(packagesIn).filter((name) => name !== manifest.name));
  };
  const [bySource, byTests] = [imported(false), imported(true)];
  const [dependencies, development] = [manifest.dependencies, manifest.devDependencies].map((of) => Object.keys(of ?? {}));
  const fault = (what: string) => (name: string) => `${manifest.name}: ${name} ${what}`;
  const known = new Set([...(dependencies ?? []), ...(development ?? [])]);
  return [
    ...[...bySource].filter((name) => !dependencies?.includes(name)).map(fault("is imported and no dependency")),
    ...[...byTests].filter((name) => !known.has(name)).map(fault("is imported by tests and not declared")),
    ...(dependencies ?? []).filter((name) => !bySource.has(name)).map(fault("is a dependency that no source imports")),
    ...(development ?? [])
      .filter((name) => !byTests.has(name) && name !== RUNNER)
      .map(fault("is for development and not imported")),
    ...(development ?? []).filter((name) => dependencies?.includes(name)).map(fault("is declared twice")),
  ];
}

const root = resolve(import.meta.dirname, "../../..");

function packagesOfTheTree(): Package[] {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = [...new Set(list.split("\0"))].filter((path) => path !== "" && existsSync(join(root, path)));
  const folders = paths.filter((path) => /^(?:libs|services|examples)\/.*package\.json$/.test(path)).map((path) => dirname(path));
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  return folders.map((folder) => ({
    manifest: JSON.parse(read(`${folder}/package.json`)) as Manifest,
    files: paths
      .filter((path) => path.startsWith(`${folder}/`) && /\.(?:ts|tsx|mjs)$/.test(path))
      .map((path) => ({ path: path.slice(folder.length + 1), text: read(path) })),
  }));
}

describe("the check", () => {
  const files = [
    {
      path: "src/a.ts",
      text: 'import { z } from "zod";\nimport type { Bus } from "@nexus/ports";\nimport "./b.ts";\nimport "node:fs";',
    },
    { path: "src/b.ts", text: 'export { x } from "@nexus/own";\nconst late = await import("nats/deep");' },
    { path: "test/a.test.ts", text: 'import fc from "fast-check";\nimport { z } from "zod";' },
  ];
  const dependencies = { zod: "1", "@nexus/ports": "1", nats: "1" };
  const devDependencies = { "fast-check": "1", vitest: "1" };

  it("finds nothing where all is declared and used", () => {
    expect(faultsOf({ manifest: { name: "@nexus/own", dependencies, devDependencies }, files })).toEqual([]);
  });

  it.each<[string, Omit<Manifest, "name">, string[]]>([
    [
      "not declared",
      { dependencies: { zod: "1", "@nexus/ports": "1" }, devDependencies },
      ["nats is imported and no dependency"],
    ],
    [
      "for development only",
      { dependencies: { zod: "1", nats: "1" }, devDependencies: { ...devDependencies, "@nexus/ports": "1" } },
      ["@nexus/ports is imported and no dependency", "@nexus/ports is for development and not imported"],
    ],
    [
      "not declared for tests",
      { dependencies, devDependencies: { vitest: "1" } },
      ["fast-check is imported by tests and not declared"],
    ],
    [
      "not used",
      { dependencies: { ...dependencies, ulid: "1" }, devDependencies },
      ["ulid is a dependency that no source imports"],
    ],
    [
      "not used by tests",
      { dependencies, devDependencies: { ...devDependencies, ulid: "1" } },
      ["ulid is for development and not imported"],
    ],
    ["declared twice", { dependencies, devDependencies: { ...devDependencies, zod: "1" } }, ["zod is declared twice"]],
  ])("sees what is %s", (_, manifest, faults) => {
    expect(faultsOf({ manifest: { name: "@nexus/own", ...manifest }, files })).toEqual(
      faults.map((fault) => `@nexus/own: ${fault}`),
    );
  });
});

it("holds for every package", () => {
  const packages = packagesOfTheTree();
  expect(packages.map(({ manifest }) => manifest.name)).toEqual(expect.arrayContaining(["@nexus/engine", "@nexus/router"]));
  expect(packages.flatMap(faultsOf)).toEqual([]);
});
