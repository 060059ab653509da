import {
  consoleWriters,
  devDependencyUsers,
  environmentReaders,
  exceptions,
  impureGlobals,
  pure,
  rows,
  synchronous,
  testFiles,
  wrapped,
  wrappedButForTests,
} from "./import-table.mjs";

const wrappers = [...new Set(Object.values(wrapped).flat())];

/** For a folder without a row, that none is forgotten. */
const nothingYet = { group: ["@nexus/**"], message: "This folder has no row in infra/lint/import-table.mjs: give it one." };

/**
 * The whole lint configuration, from the import table.
 *
 * Biome merges neither the options of a rule nor its patterns: of the overrides that match a file the last one counts,
 * whole. So the overrides go from wide to narrow (all, rows, single adapters, tests), and each is complete by itself.
 * Plugins do add up, and say themselves where they run.
 */
export function biomeConfig() {
  return {
    $schema: "./node_modules/@biomejs/biome/configuration_schema.json",
    vcs: { enabled: true, clientKind: "git", useIgnoreFile: true },
    files: { includes: ["**", "!**/package-lock.json", "!**/*.md", "!infra/lint/fixtures", "!docs/protocol"] },
    formatter: { indentStyle: "space", indentWidth: 2, lineWidth: 130, lineEnding: "lf" },
    javascript: { formatter: { quoteStyle: "double" } },
    plugins: plugins(),
    linter: {
      rules: {
        preset: "recommended",
        correctness: {
          noVoidTypeReturn: "off",
          noUndeclaredDependencies: {
            level: "error",
            options: { devDependencies: devDependencyUsers.map((glob) => `**/${glob}`) },
          },
          noUnusedImports: "error",
          noUnusedVariables: "error",
          useImportExtensions: "error",
        },
        complexity: { useLiteralKeys: "off" },
        nursery: { noFloatingPromises: "error" },
        style: {
          noCommonJs: "error",
          noDefaultExport: "error",
          noProcessEnv: "error",
          useImportType: "error",
          useNodejsImportProtocol: "error",
        },
        suspicious: { noConsole: "error", noExplicitAny: "error", noImportCycles: "error" },
      },
    },
    overrides: [
      off(["**/*.config.ts"], "style", "noDefaultExport"),
      off(consoleWriters, "suspicious", "noConsole"),
      off(environmentReaders, "style", "noProcessEnv"),
      restrictImports(["{libs,services,examples}/**"], [nothingYet, allWrappedBut(() => false)]),
      ...rows.map((row) => restrictImports(row.files, patternsOf(row, row.files))),
      ...adapterOverrides(),
      ...testOverrides(),
      ...rows.filter((row) => pure.includes(row.name)).map(restrictGlobals),
      ...exceptions.filter(({ rule }) => !rule.startsWith("plugin/")).map(({ rule, files }) => off(files, ...rule.split("/"))),
    ],
  };
}

/** Rules that Biome does not have; each file says what it refuses. */
function plugins() {
  const plugin = (name, includes) => {
    const excepted = exceptions.filter(({ rule }) => rule === `plugin/${name}`).flatMap(({ files }) => files);
    return { path: `./infra/lint/rules/${name}.grit`, includes: [...includes, ...excepted.map((file) => `!${file}`)] };
  };
  const filesOf = (names) => rows.filter((row) => names.includes(row.name)).flatMap((row) => row.files);
  return [
    plugin("stay-in-package", ["{libs,services,examples}/**"]),
    plugin("no-self-import", ["{libs,services,examples}/**"]),
    plugin("no-import-type", ["{libs,services,examples}/**"]),
    plugin("no-hidden-environment", ["**", ...environmentReaders.map((glob) => `!${glob}`)]),
    plugin("no-ambient-randomness", filesOf(pure)),
    plugin("no-async", filesOf(synchronous)),
  ];
}

function off(includes, group, rule) {
  return { includes, linter: { rules: { [group]: { [rule]: "off" } } } };
}

function restrictImports(includes, patterns) {
  return { includes, linter: { rules: { style: { noRestrictedImports: { level: "error", options: { patterns } } } } } };
}

/** @param {import("./import-table.mjs").Row} row @param {string[]} files of the row or of one package in it */
function patternsOf(row, files) {
  const patterns = [
    {
      group: ["@nexus/**", ...row.may.map((name) => `!${name}`)],
      message: `${row.name} may not import this package: see infra/lint/import-table.mjs.`,
    },
    allWrappedBut((library) => wrapped[library].some((folder) => files.some((glob) => glob.startsWith(`${folder}/`)))),
  ];
  if (pure.includes(row.name)) {
    patterns.push({ group: ["node:*", "node:*/**"], message: `${row.name} is pure: no built-ins of Node.` });
  }
  return patterns;
}

/** @param {(library: string) => boolean} allowed */
function allWrappedBut(allowed) {
  const group = Object.keys(wrapped)
    .filter((library) => !allowed(library))
    .flatMap((library) => [library, `${library}/**`]);
  return { group, message: "This library is wrapped once; use its wrapper: see infra/lint/import-table.mjs." };
}

/** The row of the adapters is many packages, and each wraps a library of its own. */
function adapterOverrides() {
  const row = rows.find(({ name }) => name === "adapters");
  return wrappers.filter(isAdapter).map((folder) => {
    const files = [`${folder}/src/**`];
    return restrictImports(files, patternsOf(row, files));
  });
}

/** A test may import what its package.json declares, but wrapped libraries only within their wrapper, and plain NATS. */
function testOverrides() {
  const librariesFor = (folder) =>
    allWrappedBut((library) => wrappedButForTests.includes(library) || wrapped[library].includes(folder));
  const otherAdapters = {
    group: ["@nexus/adapter-*", "@nexus/adapter-*/**", "!@nexus/adapter-node", "!@nexus/adapter-servers"],
    message: "An adapter knows no other adapter; its tests may use the clock of @nexus/adapter-node and @nexus/adapter-servers.",
  };
  return [
    restrictImports(testFiles, [librariesFor(undefined)]),
    ...wrappers
      .filter((folder) => !isAdapter(folder))
      .map((folder) => restrictImports([`${folder}/test/**`], [librariesFor(folder)])),
    restrictImports(["libs/adapters/*/test/**"], [otherAdapters, librariesFor(undefined)]),
    ...wrappers.filter(isAdapter).map((folder) => restrictImports([`${folder}/test/**`], [otherAdapters, librariesFor(folder)])),
  ];
}

function isAdapter(folder) {
  return folder.startsWith("libs/adapters/");
}

/** @param {import("./import-table.mjs").Row} row */
function restrictGlobals(row) {
  const message = `${row.name} is pure: time, timers and the process come in by ports or arguments.`;
  // A browser has no Buffer, and the contracts are for browsers too.
  const names = row.name === "contracts" ? [...impureGlobals, "Buffer"] : impureGlobals;
  const deniedGlobals = Object.fromEntries(names.map((name) => [name, message]));
  return {
    includes: row.files,
    linter: { rules: { style: { noRestrictedGlobals: { level: "error", options: { deniedGlobals } } } } },
  };
}
