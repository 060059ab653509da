import { ServerStartError } from "@nexus/adapter-servers";
import { DEFAULT_PREFIX, NexusError } from "@nexus/contracts";
import type { Logger } from "@nexus/ports";
import {
  createLifecycle,
  createLogger,
  type Environment,
  exitCodeOf,
  exitCodeOfError,
  exitOnSignals,
  type Lifecycle,
  loadConfig,
  startTelemetry,
  VERSION,
} from "@nexus/runtime";
import { embeddedConfigSchema } from "./config.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { readRequest, runOnce } from "./once.ts";
import { type EmbeddedOptions, parseOptions, usage } from "./options.ts";

export interface Terminal {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * `npm start`: brings everything up and stays, or runs one request and ends.
 * @returns the exit code; `undefined` while it runs until a signal
 */
export async function runEmbedded(args: readonly string[], terminal: Terminal): Promise<number | undefined> {
  try {
    const options = parseOptions(args);
    if (options.help) {
      terminal.out(usage);
      return 0;
    }
    return options.once === undefined ? await stay(options, terminal) : await once(options, options.once, terminal);
  } catch (error) {
    if (error instanceof ServerStartError) {
      terminal.err(`error: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof NexusError)) throw error;
    terminal.err(`error ${error.code}: ${error.message}${error.field === undefined ? "" : ` (field: ${error.field})`}\n`);
    return exitCodeOfError(error);
  }
}

async function stay(options: EmbeddedOptions, terminal: Terminal): Promise<undefined> {
  const { embedded, prefix } = await start(options, "warn", terminal);
  terminal.out(`ready: NATS at ${embedded.url}, ${embedded.agents()} agents. Try: ${suggestion(embedded.url, prefix)}\n`);
  return undefined;
}

async function once(options: EmbeddedOptions, path: string, terminal: Terminal): Promise<number> {
  const request = readRequest(path);
  const { environment } = terminal;
  const { embedded, lifecycle, logger, prefix } = await start({ ...options, port: options.port ?? 0 }, "error", terminal);
  const instance = `once-${process.pid}`;
  const otel = startTelemetry({ service: "nexus-client", version: VERSION, instance, environment, logger });
  lifecycle.onStop("client telemetry", () => otel.shutdown());
  try {
    const result = await runOnce(embedded.url, prefix, request, { telemetry: otel.telemetry, logger });
    terminal.out(`${JSON.stringify(result, null, 2)}\n`);
    return exitCodeOf(result);
  } finally {
    await lifecycle.stop();
  }
}

/** Where the command line looks. */
const DEFAULT_URL = "nats://127.0.0.1:4222";
const STOP_STEP_TIMEOUT_MS = 2_500;

interface Started {
  readonly embedded: Embedded;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly prefix: string;
}

/** @param quiet the log level where the environment names none */
async function start(options: EmbeddedOptions, quiet: string, terminal: Terminal): Promise<Started> {
  const { environment } = terminal;
  const config = loadConfig(embeddedConfigSchema, environment);
  const logLevel = config.NEXUS_LOG_LEVEL ?? quiet;
  const logger = createLogger({ service: "embedded", level: logLevel, fileDescriptor: 2 });
  const lifecycle = createLifecycle({ logger, stepTimeoutMs: STOP_STEP_TIMEOUT_MS });
  exitOnSignals(lifecycle, logger, { interrupts: options.once !== undefined });
  const embedded = await startEmbedded({
    lifecycle,
    port: options.port,
    fleet: options.fleet,
    traces: options.traces,
    config,
    logger,
    logLevel,
    environment,
    onLost(what) {
      terminal.err(`error: ${what}\n`);
      void lifecycle.stop().then(() => process.exit(1));
    },
    progress: (message) => terminal.err(`nexus: ${message}\n`),
  });
  return { embedded, lifecycle, logger, prefix: config.NEXUS_PREFIX };
}

/** The command line is there in any case; the NATS client of the reader's choice may not be. */
function suggestion(url: string, prefix: string): string {
  const where = url === DEFAULT_URL ? "" : ` --server ${url}`;
  const under = prefix === DEFAULT_PREFIX ? "" : ` --prefix ${prefix}`;
  return `npm run nexus -- coordinate examples/requests/gather.json${where}${under}`;
}
