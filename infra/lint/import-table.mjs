/**
 * Who may import what: the one source of the lint's boundaries, as data.
 *
 * `biome-config.mjs` turns it into a configuration, `node infra/lint/write-biome.mjs` writes that to biome.json, and
 * a test holds the two together and breaks every cell once. Change the table here, never biome.json by hand.
 *
 * Invariants
 *  T1 What a row does not list is refused, and a folder without a row may import nothing of the workspace.
 *  T2 No file matches two rows, since of Biome's overrides the last one that matches counts, whole.
 *  T3 A row lists the exact public entries of a package; any other path into it is refused.
 */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string[]} files globs, from the root of the workspace
 * @property {string[]} may packages of the workspace that it may import
 */

const CORE = ["@nexus/core-*"];
const PORTS = ["@nexus/ports"];
const CONTRACTS = ["@nexus/contracts"];
const ADAPTERS = ["@nexus/adapter-*"];
const SDK = ["@nexus/agent", "@nexus/client"];
const SERVICES = ["router", "consensus", "gossip", "predictor", "adaptive", "console"];

/** @type {readonly Row[]} */
export const rows = [
  { name: "contracts", files: ["libs/contracts/src/**"], may: [] },
  { name: "core", files: ["libs/core/*/src/**"], may: CORE },
  { name: "ports", files: ["libs/ports/src/**"], may: CONTRACTS },
  { name: "conformance", files: ["libs/ports/conformance/**"], may: [...CONTRACTS, ...PORTS] },
  { name: "adapters", files: ["libs/adapters/*/src/**"], may: [...CONTRACTS, ...PORTS] },
  { name: "engine", files: ["libs/engine/src/**"], may: [...CONTRACTS, ...CORE, ...PORTS] },
  { name: "runtime", files: ["libs/runtime/src/**"], may: [...CONTRACTS, ...PORTS, ...ADAPTERS] },
  { name: "agent", files: ["libs/sdk/agent/src/**"], may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS] },
  {
    name: "client",
    files: ["libs/sdk/client/src/**"],
    may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS, "@nexus/engine"],
  },
  {
    name: "services",
    files: [`services/{${SERVICES.filter((service) => service !== "console").join(",")}}/src/**`],
    may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS, "@nexus/engine", "@nexus/runtime"],
  },
  // A row of its own, since it alone speaks HTTP to browsers.
  {
    name: "console",
    files: ["services/console/src/**"],
    may: [...CONTRACTS, ...PORTS, ...ADAPTERS, "@nexus/adapter-otel/receive", "@nexus/runtime"],
  },
  {
    name: "embedded",
    files: ["services/embedded/src/**"],
    may: [...CONTRACTS, ...PORTS, ...ADAPTERS, "@nexus/runtime", ...SDK, ...SERVICES.map((service) => `@nexus/${service}`)],
  },
  {
    name: "cli",
    files: ["libs/cli/src/**"],
    may: [...CONTRACTS, ...ADAPTERS, "@nexus/runtime", "@nexus/runtime/exit-codes", ...SDK, "@nexus/embedded"],
  },
  { name: "testing", files: ["libs/testing/src/**"], may: [...CORE, ...PORTS] },
  { name: "examples", files: ["examples/*/src/**"], may: [...CONTRACTS, ...ADAPTERS, "@nexus/runtime", ...SDK] },
];

/**
 * Third-party packages that are wrapped once, and the folders of their wrappers.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const wrapped = {
  nats: ["libs/adapters/nats"],
  ioredis: ["libs/adapters/redis"],
  opossum: ["libs/adapters/opossum"],
  lmdb: ["libs/adapters/lmdb"],
  "@opentelemetry/*": ["libs/adapters/otel"],
  protobufjs: ["libs/adapters/otel"],
  fastify: ["services/console"],
  pino: ["libs/runtime"],
  msgpackr: ["libs/contracts"],
  commander: ["libs/cli", "services/embedded"],
  listr2: ["libs/cli"],
  "cli-table3": ["libs/cli"],
  "@bomb.sh/tab": ["libs/cli"],
};

/** What any test may import though it is wrapped: end-to-end tests speak plain NATS, as a client without the SDK does. */
export const wrappedButForTests = ["nats"];

/** Tests, and what only tests build on. They may import what their package.json declares, but for what is wrapped. */
export const testFiles = ["{libs,services,examples}/**/test/**", "test/**", "bench/**", "sim/**", "chaos/**"];

/** Where development dependencies may be imported. */
export const devDependencyUsers = [...testFiles, "libs/testing/**", "libs/ports/conformance/**", "infra/**", "*.config.ts"];

/** Rows whose code is pure: no built-in of Node, no time, no timer, no process, no ambient randomness. */
export const pure = ["contracts", "core", "ports", "engine"];

/** Rows that must not even be asynchronous. */
export const synchronous = ["core"];

/** Refused in pure rows. `globalThis` would be a way round all the others. */
export const impureGlobals = [
  "Date",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "performance",
  "process",
  "crypto",
  "globalThis",
];

/** Where the environment may be read: entry points, the loader of configuration, tests, and the set-up. */
export const environmentReaders = [
  "{services,examples}/*/src/main.ts",
  "libs/cli/src/main.ts",
  "libs/runtime/src/config.ts",
  "infra/**",
  ...testFiles,
];

/** Where `console` may be used. */
export const consoleWriters = ["infra/**", "**/main.ts", "libs/cli/**", ...testFiles];

/**
 * Files that do not keep a rule yet. Each is a decision that is still to be made: change the file and strike it off the
 * list, or keep it here with the reason. Nothing is added for convenience.
 * @type {readonly { rule: string, files: string[], why: string }[]}
 */
export const exceptions = [
  {
    rule: "style/noProcessEnv",
    files: ["child-process.ts", "nats-server.ts", "redis-server.ts"].map((file) => `libs/adapters/servers/src/${file}`),
    why: "They look for a server's binary by PATH and by its own variable, which no entry point hands them.",
  },
  {
    rule: "plugin/no-self-import",
    files: ["bus-fixture.ts", "bus-services.ts", "bus.ts", "state-store.ts"].map((file) => `libs/ports/conformance/${file}`),
    why: "The suites take their types from the public face that the adapters implement.",
  },
  {
    rule: "nursery/noFloatingPromises",
    files: ["services/router/test/coordination.e2e.test.ts"],
    why: "A promise is left alone without a `void` that says it is meant to be.",
  },
];
