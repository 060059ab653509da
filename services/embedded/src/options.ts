import { parseArgs } from "node:util";
import { NexusError } from "@nexus/contracts";

/** What `npm start` understands. */
export interface EmbeddedOptions {
  /** Where our nats-server listens; 0 is a free port. Absent: 4222, or a free port where that is taken. */
  readonly port: number | undefined;
  /** Path of a request (`-` is stdin): run it, print its result, end. */
  readonly once: string | undefined;
  /** Start the example fleet. */
  readonly fleet: boolean;
  /** Receive traces, so that `nexus trace` has something to show; never with `once`. */
  readonly traces: boolean;
  readonly help: boolean;
}

export const usage = `Nexus, all services in one process, with a nats-server of its own and an example fleet.

Usage: npm start [-- options]

  --once FILE   run the request in FILE ("-" is stdin) and print its result as JSON on stdout.
                Exit code 0: completed, or partial where the request allows it; 1: not; 2: the request is not valid
  --port N      where NATS listens (default 4222, or a free port where that is taken; 0: a free port)
  --no-fleet    start without the example fleet
  --no-traces   do not receive traces here, as is done unless OTEL_EXPORTER_OTLP_ENDPOINT names a receiver
  --help        this text

Everything but results goes to stderr. Ctrl-C stops it gracefully; a second one at once.
`;

/** @throws NexusError `invalid-field` for what is not understood */
export function parseOptions(args: readonly string[]): EmbeddedOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        once: { type: "string" },
        port: { type: "string" },
        fleet: { type: "boolean", default: true },
        traces: { type: "boolean", default: true },
        // For `nexus up --json`; results are JSON in any case.
        json: { type: "boolean" },
        help: { type: "boolean", default: false },
      },
    });
    const { once, fleet, traces, help } = values;
    if (once === "") throw new NexusError("invalid-field", '--once must name a file, or "-" for stdin', { field: "once" });
    return { port: portOf(values.port), once, fleet, traces: traces && once === undefined, help };
  } catch (error) {
    if (error instanceof NexusError) throw error;
    throw new NexusError("invalid-field", `${(error as Error).message}; see npm start -- --help`, { cause: error });
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new NexusError("invalid-field", `--port must be a number from 0 to 65535, not "${text}"`, { field: "port" });
}
