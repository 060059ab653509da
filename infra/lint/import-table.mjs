// Which folder may import which workspace packages: the one source of the lint's boundaries. `node
// infra/lint/write-biome.mjs` writes it into biome.json; a test holds the two together.

const CORE = ["@nexus/core-*"];
const PORTS = ["@nexus/ports"];
const CONTRACTS = ["@nexus/contracts"];
const ADAPTERS = ["@nexus/adapter-*", "@nexus/adapter-*/server"];

/** Row: files; may import: packages. What is not listed is refused, as is a way out of the package by a relative path. */
export const rows = [
  { name: "contracts", files: ["libs/contracts/src/**"], may: [] },
  { name: "core", files: ["libs/core/*/src/**"], may: CORE },
  { name: "ports", files: ["libs/ports/src/**"], may: CONTRACTS },
  { name: "adapters", files: ["libs/adapters/*/src/**"], may: [...CONTRACTS, ...PORTS] },
  { name: "engine", files: ["libs/engine/src/**"], may: [...CONTRACTS, ...CORE, ...PORTS] },
  { name: "runtime", files: ["libs/runtime/src/**"], may: [...CONTRACTS, ...PORTS, ...ADAPTERS] },
  { name: "agent", files: ["libs/sdk/agent/src/**"], may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS] },
  { name: "client", files: ["libs/sdk/client/src/**"], may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS, "@nexus/engine"] },
  {
    name: "services",
    files: ["services/{router,consensus,gossip,predictor,adaptive,console}/src/**"],
    may: [...CONTRACTS, ...CORE, ...PORTS, ...ADAPTERS, "@nexus/engine", "@nexus/runtime"],
  },
  {
    name: "embedded",
    files: ["services/embedded/src/**"],
    may: [
      ...CONTRACTS,
      ...PORTS,
      ...ADAPTERS,
      "@nexus/runtime",
      "@nexus/agent",
      "@nexus/client",
      "@nexus/router",
      "@nexus/consensus",
      "@nexus/gossip",
      "@nexus/predictor",
      "@nexus/adaptive",
      "@nexus/console",
    ],
  },
  {
    name: "cli",
    files: ["libs/cli/src/**"],
    may: [...CONTRACTS, ...ADAPTERS, "@nexus/runtime", "@nexus/agent", "@nexus/client", "@nexus/embedded"],
  },
  { name: "testing", files: ["libs/testing/src/**"], may: [...CORE, ...PORTS] },
  {
    name: "examples",
    files: ["examples/*/src/**"],
    may: [...CONTRACTS, ...PORTS, ...ADAPTERS, "@nexus/runtime", "@nexus/agent", "@nexus/client"],
  },
];

/** Third-party packages that are wrapped once: who may import them. */
export const wrapped = {
  nats: ["libs/adapters/nats/src/**"],
  ioredis: ["libs/adapters/redis/src/**"],
  opossum: ["libs/adapters/opossum/src/**"],
  lmdb: ["libs/adapters/lmdb/src/**"],
  "@opentelemetry/*": ["libs/adapters/otel/src/**"],
  pino: ["libs/runtime/src/**"],
  msgpackr: ["libs/contracts/src/**"],
  commander: ["libs/cli/src/**", "services/embedded/src/**"],
};

/** Folders whose code is pure: no built-ins of Node; of these, `clockless` also know no time. */
export const pure = ["contracts", "core", "ports", "engine"];
export const clockless = ["contracts", "core", "ports", "engine"];

export const clockGlobals = [
  "Date",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "performance",
  "process",
  "crypto",
];
