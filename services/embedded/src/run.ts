import { ServerStartError } from "@nexus/adapter-nats/server";
import { type GoalType, NexusError } from "@nexus/contracts";
import { createLogger, exitOnSignals, startTelemetry } from "@nexus/runtime";
import { type Embedded, startEmbedded, VERSION } from "./embedded.ts";
import { readRequest, runOnce } from "./once.ts";
import { type EmbeddedOptions, parseOptions, usage } from "./options.ts";

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
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
    return error.family === "rejected" ? 2 : 1;
  }
}

async function stay(options: EmbeddedOptions, terminal: Terminal): Promise<undefined> {
  const embedded = await start(options, options.port, "warn", terminal);
  terminal.out(`ready: NATS at ${embedded.url}, ${embedded.agents()} agents. Try: ${suggestion(embedded.url, "gather")}\n`);
  return undefined;
}

async function once(options: EmbeddedOptions, path: string, terminal: Terminal): Promise<number> {
  const request = readRequest(path);
  const { environment } = terminal;
  const otel = startTelemetry({ service: "nexus-client", version: VERSION, instance: `once-${process.pid}`, environment });
  const embedded = await start(options, options.port ?? 0, "error", terminal);
  embedded.lifecycle.onStop("client telemetry", () => otel.shutdown());
  try {
    const { result, exitCode } = await runOnce(embedded.url, prefixOf(terminal), request, otel.telemetry);
    terminal.out(`${JSON.stringify(result, null, 2)}\n`);
    return exitCode;
  } finally {
    await embedded.lifecycle.stop();
  }
}

async function start(options: EmbeddedOptions, port: number | undefined, quiet: string, terminal: Terminal): Promise<Embedded> {
  const logLevel = terminal.environment["NEXUS_LOG_LEVEL"] ?? quiet;
  const logger = createLogger({ service: "embedded", level: logLevel, fileDescriptor: 2 });
  const embedded = await startEmbedded({
    port,
    fleet: options.fleet,
    prefix: prefixOf(terminal),
    logger,
    logLevel,
    environment: terminal.environment,
    progress: (message) => terminal.err(`nexus: ${message}\n`),
  });
  exitOnSignals(embedded.lifecycle, logger);
  return embedded;
}

function prefixOf(terminal: Terminal): string {
  return terminal.environment["NEXUS_PREFIX"] ?? "nexus";
}

function suggestion(url: string, type: GoalType): string {
  return `nats -s ${url} request nexus.coordinate.${type} "$(cat examples/requests/${type}.json)"`;
}
