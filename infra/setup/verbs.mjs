// @ts-check
/**
 * The verbs of the command line: which program each one runs and what that program needs.
 *
 * @typedef {"nats-server" | "redis-server"} ServerName
 *
 * @typedef {object} Verb
 * @property {string} summary            one line for `--help`
 * @property {string} program            path of the program, from the repository root
 * @property {string[]} args             arguments put before the caller's own
 * @property {ServerName[]} needs        servers that are installed when they are missing
 * @property {"caller" | "root"} cwd     where relative paths in the arguments are resolved
 */

/** @type {Record<string, Verb>} */
export const VERBS = {
  start: {
    summary: "start the embedded stack: a private nats-server, every service, an example fleet",
    program: "services/embedded/src/main.ts",
    args: [],
    needs: ["nats-server"],
    cwd: "caller",
  },
  nexus: {
    summary: "the nexus command line, against a running stack",
    program: "libs/cli/src/main.ts",
    args: [],
    needs: ["nats-server"],
    cwd: "caller",
  },
  bench: {
    summary: "measure a suite beside its floor and its peers",
    program: "bench/src/main.ts",
    args: [],
    needs: ["nats-server"],
    cwd: "caller",
  },
  sim: {
    summary: "run cores among simulated faults, in virtual time",
    program: "sim/src/main.ts",
    args: [],
    needs: [],
    cwd: "caller",
  },
  chaos: {
    summary: "kill, stop and cut off real processes, and look whether what is promised holds",
    program: "chaos/src/main.ts",
    args: [],
    needs: ["nats-server"],
    cwd: "caller",
  },
  test: {
    summary: "type check, lint and every test suite; the last line is the count",
    program: "infra/setup/test-all.mjs",
    args: [],
    needs: ["nats-server", "redis-server"],
    cwd: "root",
  },
  check: {
    summary: "type check and lint only",
    program: "infra/setup/test-all.mjs",
    args: ["--check"],
    needs: [],
    cwd: "root",
  },
  docs: {
    summary: "write the reference documents from the schemas; --check: fail where they differ",
    program: "infra/docs/src/main.ts",
    args: [],
    needs: [],
    cwd: "root",
  },
  "compose:test": {
    summary: "the whole Compose stack, really started, checked and taken down again",
    program: "infra/compose/main.ts",
    args: [],
    needs: [],
    cwd: "root",
  },
};

/**
 * Reads the command line of run.mjs.
 *
 * @param {string[]} argv  without the node binary and the script
 * @returns {{kind: "help"} | {kind: "refused", message: string}
 *   | {kind: "run", name: string, verb: Verb, args: string[], helpOnly: boolean}}
 *   `helpOnly` says that the program will only explain itself, so no server is needed
 */
export function parseCommand(argv) {
  const [name, ...args] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return { kind: "help" };
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) {
    return { kind: "refused", message: `unknown verb "${name}"; there are: ${Object.keys(VERBS).join(", ")}` };
  }
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  return { kind: "run", name, verb, args, helpOnly: options.includes("--help") || options.includes("-h") };
}

/** @returns {string} what `node infra/setup/run.mjs --help` prints */
export function helpText() {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length));
  const rows = Object.entries(VERBS).map(([name, verb]) => `  ${name.padEnd(width)}  ${verb.summary}`);
  return `node infra/setup/run.mjs <verb> [arguments]

Installs what is missing (npm packages with their own Node, nats-server, redis-server), then runs the verb.

${rows.join("\n")}

The same through npm: npm start, npm test, npm run nexus -- <arguments>, npm run bench -- <suite>, npm run sim -- <suite>,
npm run chaos -- <suite>, npm run check, npm run docs, npm run compose:test.
stdout is the program's alone: the set-up speaks on stderr, and .npmrc keeps npm from adding its banner.
"<verb> --help" explains the program behind the verb.

Environment
  NEXUS_NATS_SERVER, NEXUS_REDIS_SERVER            path of a server to use instead of looking for one
  NEXUS_NATS_RELEASE_URL, NEXUS_REDIS_RELEASE_URL  mirror of the official releases
`;
}
