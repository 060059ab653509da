import { fileURLToPath } from "node:url";
import { waitUntil } from "@nexus/testing";
import { connect, type NatsConnection } from "nats";
import { type RoleOptions, type RoleProcess, roleProgram, startRole } from "../processes/role-process.ts";
import type { DriverSettings, RunningSuite, Suite, SuiteEnvironment } from "../suite.ts";

/**
 * One small piece of work to one of 24 agents, through a router, beside a relay that does the same and nothing else.
 * Both get the same bytes from the same client, over the same nats-server; both have all their agents on one connection.
 */

const AGENTS = 24;
/** Above what 512 requests in flight give to each, so that no window is ever full. */
const CAPACITY = 64;
const TIMEOUT_MS = 10_000;
const RELAY_SUBJECT = "bench.relay";
const BARE_AGENT_SUBJECT = "bench.agent";
const GROUP = "bench";
const PAYLOAD_CHARS = 84;

/** The payload takes 100 bytes. */
const body = JSON.stringify({
  goal: { operation: "echo", payload: { text: "x".repeat(PAYLOAD_CHARS), n: 1 } },
  agents: { group: GROUP },
});

export const routerSuite: Suite = {
  name: "router",
  summary: "a balance goal of one small piece to 24 agents, beside a bare relay",
  candidates: [
    { name: "relay", kind: "floor", what: "a process that asks the next agent with a plain request and passes the answer on" },
    {
      name: "router",
      kind: "subject",
      what: "the router process and agents of the SDK, validation on, 1 % of the traces recorded",
    },
  ],
  floor: "relay",
  loads: [
    { name: "1 in flight", kind: "in-flight", inFlight: 1 },
    { name: "64 in flight", kind: "in-flight", inFlight: 64 },
    { name: "512 in flight", kind: "in-flight", inFlight: 512 },
    { name: "1000/s", kind: "rate", perSecond: 1_000 },
  ],
  aims: [
    { load: "1 in flight", measure: "p50", candidate: "router", base: "relay", bound: { atMost: 1.5 } },
    { load: "64 in flight", measure: "p50", candidate: "router", base: "relay", bound: { atMost: 1.5 } },
    { load: "512 in flight", measure: "requestsPerSecond", candidate: "router", base: "relay", bound: { atLeast: 0.65 } },
  ],
  phases: { rounds: 8, warmUpMs: 4_000, leadInMs: 500, measureMs: 3_000 },
  start,
};

async function start({ profileDir, progress }: SuiteEnvironment): Promise<RunningSuite> {
  const roles: RoleProcess[] = [];
  let probe: NatsConnection | undefined;
  const stop = async (): Promise<void> => {
    await probe?.close().catch(() => {});
    // What was started last ends first: agents after the router would only see it go.
    for (const role of roles.toReversed()) await role.stop();
  };
  const add = async (options: RoleOptions): Promise<RoleProcess> => {
    progress(`starting ${options.name}`);
    const role = await startRole(options);
    roles.push(role);
    return role;
  };
  try {
    const named = process.env["NEXUS_NATS_SERVER"];
    const env: Record<string, string> = named === undefined ? {} : { NEXUS_NATS_SERVER: named };
    const server = await add({ name: "nats-server", program: roleProgram("nats-server"), env });
    const { url = "", pid } = server.told;
    probe = await connect({ servers: url, name: "bench" });
    await startFloor(url, add);
    await startSubject(url, profileDir, add);
    await untilAgentsAreKnown(probe);
    return {
      roles: roles.map((role) => (role === server ? { name: role.name, pid: Number(pid) } : role)),
      versions: { "nats-server": probe.info?.version ?? "unknown" },
      driverOf: (candidate) => driverOf(candidate, url),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Add = (options: RoleOptions) => Promise<RoleProcess>;

async function startFloor(url: string, add: Add): Promise<void> {
  const env = {
    BENCH_NATS_URL: url,
    BENCH_SUBJECT: RELAY_SUBJECT,
    BENCH_AGENT_SUBJECT: BARE_AGENT_SUBJECT,
    BENCH_AGENTS: String(AGENTS),
    BENCH_TIMEOUT_MS: String(TIMEOUT_MS),
  };
  await add({ name: "bare-agents", program: roleProgram("bare-agents"), env });
  await add({ name: "relay", program: roleProgram("bare-relay"), env });
}

async function startSubject(url: string, profileDir: string | undefined, add: Add): Promise<void> {
  const sink = await add({ name: "telemetry-sink", program: roleProgram("telemetry-sink") });
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.told["url"] ?? "", OTEL_TRACES_SAMPLER_ARG: "0.01" };
  await add({
    name: "router",
    program: fileURLToPath(new URL("../../../services/router/src/main.ts", import.meta.url)),
    env: { NEXUS_NATS_URL: url, ...traced },
    profileDir,
    readyText: '"msg":"ready"',
  });
  await add({
    name: "agents",
    program: roleProgram("sdk-agents"),
    env: {
      BENCH_NATS_URL: url,
      BENCH_AGENTS: String(AGENTS),
      BENCH_GROUP: GROUP,
      BENCH_CAPACITY: String(CAPACITY),
      ...traced,
    },
    profileDir,
  });
}

async function untilAgentsAreKnown(probe: NatsConnection): Promise<void> {
  await waitUntil(
    async () => {
      const { data } = await probe.request("nexus.router.status", undefined, { timeout: 1_000 });
      return (JSON.parse(Buffer.from(data).toString()) as { agents?: number }).agents === AGENTS;
    },
    { what: `the router knows ${AGENTS} agents` },
  );
}

function driverOf(candidate: string, servers: string): DriverSettings {
  const plain = { driver: "nats-request", servers, body, timeoutMs: TIMEOUT_MS } as const;
  return candidate === "relay"
    ? { ...plain, subject: RELAY_SUBJECT, expect: '"operation":"echo"' }
    : { ...plain, subject: "nexus.coordinate.balance", expect: '"status":"completed"' };
}
