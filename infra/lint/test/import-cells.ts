/**
 * The import table of ARCHITECTURE.md, written down by hand a second time, and one source file for each of its cells.
 * What is proved is worth something only while this file takes nothing from import-table.mjs.
 */

export interface Source {
  readonly path: string;
  /** A line that must be refused ends in `// refused: <rule> <rule>`. */
  readonly text: string;
}

const kinds = {
  contracts: ["@nexus/contracts"],
  core: ["balancing", "clocks", "gossip", "graduation", "learning", "membership", "raft", "reducers", "voting"].map(
    (name) => `@nexus/core-${name}`,
  ),
  ports: ["@nexus/ports"],
  conformance: ["@nexus/ports/conformance"],
  adapters: ["lmdb", "memory", "nats", "node", "opossum", "otel", "redis", "servers"].map((name) => `@nexus/adapter-${name}`),
  receive: ["@nexus/adapter-otel/receive"],
  engine: ["@nexus/engine"],
  runtime: ["@nexus/runtime"],
  exitCodes: ["@nexus/runtime/exit-codes"],
  sdk: ["@nexus/agent", "@nexus/client"],
  services: ["router", "consensus", "gossip", "predictor", "adaptive", "console"].map((name) => `@nexus/${name}`),
  embedded: ["@nexus/embedded"],
  cli: ["@nexus/cli"],
  testing: ["@nexus/testing"],
  examples: ["@nexus/example-code-search"],
} as const;

type Kind = keyof typeof kinds;

/** Folders that hold code, the package's own name, and the kinds of package that it may import. */
const table: readonly { folder: string; own: string; may: readonly Kind[]; libraries?: readonly string[] }[] = [
  { folder: "libs/contracts/src", own: "@nexus/contracts", may: [], libraries: ["msgpackr"] },
  ...["voting", "clocks"].map((name) => ({
    folder: `libs/core/${name}/src`,
    own: `@nexus/core-${name}`,
    may: ["core"] as const,
  })),
  { folder: "libs/ports/src", own: "@nexus/ports", may: ["contracts"] },
  { folder: "libs/ports/conformance", own: "@nexus/ports", may: ["contracts", "ports"] },
  ...[
    { name: "lmdb", libraries: ["lmdb"] },
    { name: "memory", libraries: [] },
    { name: "nats", libraries: ["nats"] },
    { name: "node", libraries: [] },
    { name: "opossum", libraries: ["opossum"] },
    { name: "otel", libraries: ["@opentelemetry/api", "@opentelemetry/sdk-node", "protobufjs"] },
    { name: "redis", libraries: ["ioredis"] },
    { name: "servers", libraries: [] },
  ].map(({ name, libraries }) => ({
    folder: `libs/adapters/${name}/src`,
    own: `@nexus/adapter-${name}`,
    may: ["contracts", "ports"] as const,
    libraries,
  })),
  { folder: "libs/engine/src", own: "@nexus/engine", may: ["contracts", "core", "ports"] },
  { folder: "libs/runtime/src", own: "@nexus/runtime", may: ["contracts", "ports", "adapters"], libraries: ["pino"] },
  { folder: "libs/sdk/agent/src", own: "@nexus/agent", may: ["contracts", "core", "ports", "adapters"] },
  { folder: "libs/sdk/client/src", own: "@nexus/client", may: ["contracts", "core", "ports", "adapters", "engine"] },
  ...["router", "consensus", "gossip", "predictor", "adaptive"].map((name) => ({
    folder: `services/${name}/src`,
    own: `@nexus/${name}`,
    may: ["contracts", "core", "ports", "adapters", "engine", "runtime"] as const,
  })),
  {
    folder: "services/console/src",
    own: "@nexus/console",
    may: ["contracts", "ports", "adapters", "receive", "runtime"],
    libraries: ["fastify"],
  },
  {
    folder: "services/embedded/src",
    own: "@nexus/embedded",
    may: ["contracts", "ports", "adapters", "runtime", "sdk", "services"],
    libraries: ["commander"],
  },
  {
    folder: "libs/cli/src",
    own: "@nexus/cli",
    may: ["contracts", "adapters", "runtime", "exitCodes", "sdk", "embedded"],
    libraries: ["commander", "listr2", "cli-table3", "@bomb.sh/tab"],
  },
  { folder: "libs/testing/src", own: "@nexus/testing", may: ["core", "ports"] },
  {
    folder: "examples/code-search/src",
    own: "@nexus/example-code-search",
    may: ["contracts", "adapters", "runtime", "sdk"],
  },
  // Folders that no row knows.
  { folder: "libs/newcomer/src", own: "@nexus/newcomer", may: [] },
  { folder: "services/newcomer/src", own: "@nexus/newcomer", may: [] },
];

/** Adapters that the tests of the others may use. */
const forAdapterTests = ["@nexus/adapter-node", "@nexus/adapter-servers"];

const everyKind = Object.keys(kinds) as Kind[];

/** Tests import what they need of the workspace, and of wrapped libraries only plain NATS and what their package wraps. */
const tests: typeof table = [
  { folder: "libs/core/voting/test", own: "@nexus/core-voting", may: everyKind, libraries: ["nats"] },
  { folder: "libs/runtime/test", own: "@nexus/runtime", may: everyKind, libraries: ["nats", "pino"] },
  { folder: "services/router/test", own: "@nexus/router", may: everyKind, libraries: ["nats"] },
  {
    folder: "libs/cli/test",
    own: "@nexus/cli",
    may: everyKind,
    libraries: ["nats", "commander", "listr2", "cli-table3", "@bomb.sh/tab"],
  },
  { folder: "services/console/test", own: "@nexus/console", may: everyKind, libraries: ["nats", "fastify"] },
  { folder: "test/hostile", own: "@nexus/hostile", may: everyKind, libraries: ["nats"] },
  { folder: "bench", own: "@nexus/bench", may: everyKind, libraries: ["nats"] },
  { folder: "sim", own: "@nexus/sim", may: everyKind, libraries: ["nats"] },
  { folder: "chaos", own: "@nexus/chaos", may: everyKind, libraries: ["nats"] },
  ...["nats", "redis", "memory"].map((name) => ({
    folder: `libs/adapters/${name}/test`,
    own: `@nexus/adapter-${name}`,
    may: everyKind.filter((kind) => kind !== "adapters" && kind !== "receive"),
    libraries: name === "redis" ? ["nats", "ioredis"] : ["nats"],
  })),
];

const libraries = [
  ...["nats", "ioredis", "opossum", "lmdb", "@opentelemetry/api", "@opentelemetry/sdk-node"],
  ...["pino", "msgpackr", "commander", "listr2", "cli-table3", "protobufjs", "fastify", "@bomb.sh/tab"],
];

/** The names that a package.json of the fixtures must declare, that noUndeclaredDependencies has nothing to say. */
export const declared = [...Object.values(kinds).flat(), ...libraries].filter((name) => !/^@nexus\/[^/]+\//.test(name));

export function importCells(): Source[] {
  return [...table, ...tests].flatMap((row) => [
    ...everyKind.flatMap((kind) =>
      kinds[kind].map((name) => {
        const allowed =
          row.may.includes(kind) || (forAdapterTests.includes(name) && /^libs\/adapters\/.*\/test$/.test(row.folder));
        const itself = name === row.own || name.startsWith(`${row.own}/`);
        return cell(row.folder, name, [
          ...(itself ? ["plugin/no-self-import"] : []),
          ...(allowed ? [] : ["style/noRestrictedImports"]),
        ]);
      }),
    ),
    ...libraries.flatMap((name) => {
      const refused = row.libraries?.includes(name) ? [] : ["style/noRestrictedImports"];
      return [cell(row.folder, name, refused), cell(row.folder, `${name}/deep/entry.js`, refused)];
    }),
  ]);
}

function cell(folder: string, name: string, refused: string[]): Source {
  const file = `cell-${name.replaceAll(/[^a-z0-9]+/g, "-").replace(/^-/, "")}.ts`;
  const mark = refused.length === 0 ? "" : ` // refused: ${refused.join(" ")}`;
  return { path: `${folder}/${file}`, text: `import "${name}";${mark}\n` };
}
