import { clockGlobals, clockless, pure, rows, wrapped } from "./import-table.mjs";

/** The whole lint configuration, from the import table. */
export function biomeConfig() {
  return {
    $schema: "./node_modules/@biomejs/biome/configuration_schema.json",
    vcs: { enabled: true, clientKind: "git", useIgnoreFile: true },
    files: { includes: ["**", "!**/package-lock.json", "!**/*.md"] },
    formatter: { indentStyle: "space", indentWidth: 2, lineWidth: 130, lineEnding: "lf" },
    javascript: { formatter: { quoteStyle: "double" } },
    linter: {
      rules: {
        preset: "recommended",
        correctness: {
          noVoidTypeReturn: "off",
          noUndeclaredDependencies: "error",
          noUnusedImports: "error",
          noUnusedVariables: "error",
        },
        complexity: { useLiteralKeys: "off" },
        style: { useImportType: "error", useNodejsImportProtocol: "error", noDefaultExport: "error" },
        suspicious: { noExplicitAny: "error", noImportCycles: "error", noConsole: "error" },
      },
    },
    overrides: [
      { includes: ["**/*.config.ts"], linter: { rules: { style: { noDefaultExport: "off" } } } },
      { includes: ["infra/**", "**/main.ts", "**/test/**"], linter: { rules: { suspicious: { noConsole: "off" } } } },
      ...rows.map(boundary),
      ...rows.filter((row) => clockless.includes(row.name)).map(withoutClock),
    ],
  };
}

function boundary(row) {
  const groups = [
    {
      group: ["@nexus/**", ...row.may.map((name) => `!${name}`)],
      message: `${row.name} may not import this package: see infra/lint/import-table.mjs.`,
    },
    { group: ["**/../../src/**", "../../*/src/**", "../../../*/src/**"], message: "Import another package by its name." },
  ];
  for (const [library, owners] of Object.entries(wrapped)) {
    if (owners.some((owner) => row.files.includes(owner) || covers(row.files, owner))) continue;
    groups.push({ group: [library, `${library}/**`], message: `${library} is wrapped once; use the wrapper.` });
  }
  if (pure.includes(row.name))
    groups.push({ group: ["node:*", "node:*/**"], message: `${row.name} is pure: no built-ins of Node.` });
  return {
    includes: row.files,
    linter: { rules: { style: { noRestrictedImports: { level: "error", options: { patterns: groups } } } } },
  };
}

/** `libs/adapters/*\/src/**` holds several owners, each with a library of its own; noUndeclaredDependencies tells them apart. */
function covers(files, owner) {
  return files.some((pattern) =>
    new RegExp(
      `^${pattern
        .replaceAll("/**", "(/.*)?")
        .replace(/(?<!\.)\*/g, "[^/]*")
        .replace(/\{([^}]*)\}/g, (_, list) => `(${list.replaceAll(",", "|")})`)}$`,
    ).test(owner.replace("/**", "/x")),
  );
}

function withoutClock(row) {
  const deniedGlobals = Object.fromEntries(
    clockGlobals.map((name) => [name, `${row.name} is pure: time, timers and the process come in by ports or arguments.`]),
  );
  return {
    includes: row.files,
    linter: { rules: { style: { noRestrictedGlobals: { level: "error", options: { deniedGlobals } } } } },
  };
}
