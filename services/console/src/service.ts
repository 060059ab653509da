import { attributes } from "@nexus/contracts";
import { healthOf, type RunningService, registerService, type ServiceDeps, type ServiceOptions } from "@nexus/runtime";
import { type HttpOptions, startHttp } from "./http-server.ts";
import { TraceStore, type TraceStoreOptions } from "./trace-store.ts";

export interface ConsoleOptions extends ServiceOptions, HttpOptions, TraceStoreOptions {
  /** Base URL that others reach the HTTP at; default: host and port. */
  readonly url?: string;
}

export const consoleDefaults = {
  host: "127.0.0.1",
  port: 0,
  bodyBytesMax: 4_194_304,
  tracesMax: 2_000,
  spansPerTraceMax: 1_000,
  bytesMax: 67_108_864,
  retentionMs: 3_600_000,
} satisfies Partial<ConsoleOptions>;

export interface Console extends RunningService {
  /** Where traces are received and read. */
  readonly url: string;
}

const SWEEP_EVERY_MS = 10_000;

/** Starts the console: its HTTP first, then its registration, which tells where that is. @throws NexusError */
export async function startConsole(options: ServiceOptions & Partial<ConsoleOptions>, deps: ServiceDeps): Promise<Console> {
  const settings = { ...consoleDefaults, ...options };
  const { clock, logger, telemetry } = deps;
  const instance = settings.instance ?? deps.ids.instanceName("console");
  const store = new TraceStore(settings);
  const health = deps.health ?? healthOf(deps);
  health.add("traces", false, () => ({ ok: true, detail: detailOf(store) }));
  const http = await startHttp(settings, { store, health, clock, logger, telemetry });
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  const url = (settings.url ?? `http://${host}:${http.port}`).replace(/\/+$/, "");
  try {
    const handle = await registerService(
      {
        service: "console",
        description: "Receives traces and serves them",
        version: settings.version,
        prefix: settings.prefix,
        replyPrefixes: settings.replyPrefixes ?? ["_INBOX."],
        instance,
        boot: deps.ids.instanceName("boot"),
        health,
        counts: () => ({ ...store.counts() }),
        metadata: { traces_url: url },
        verbs: {},
      },
      deps,
    );
    const endSweep = sweep(store, deps);
    logger.info({ service: "console", instance, url }, "console started");
    return {
      id: handle.id,
      url,
      async stop() {
        endSweep();
        try {
          await handle.stop();
        } finally {
          await http.stop();
        }
      },
    };
  } catch (error) {
    await http.stop();
    throw error;
  }
}

/** Lets old traces go though none arrives, and tells what had to go for want of room. */
function sweep(store: TraceStore, { clock, logger, telemetry }: Pick<ServiceDeps, "clock" | "logger" | "telemetry">): () => void {
  let told = 0;
  let timer = clock.schedule(SWEEP_EVERY_MS, function again() {
    store.expire(clock.monotonicMs());
    const { tracesEvicted } = store.counts();
    if (tracesEvicted > told) {
      telemetry.count("boundsReached", tracesEvicted - told, { [attributes.reason]: "traces" });
      logger.warn(
        { traces: tracesEvicted - told },
        "traces were given up for want of room; NEXUS_CONSOLE_TRACES_MAX and …_BYTES_MAX give more",
      );
      told = tracesEvicted;
    }
    timer = clock.schedule(SWEEP_EVERY_MS, again);
  });
  return () => timer.cancel();
}

function detailOf(store: TraceStore): string {
  const { traces, spans, bytes, tracesEvicted, spansDropped } = store.counts();
  const lost = tracesEvicted + spansDropped === 0 ? "" : `; ${tracesEvicted} traces and ${spansDropped} spans had no room`;
  return `${traces} traces of ${spans} spans, ${Math.ceil(bytes / 1_024)} KiB${lost}`;
}
