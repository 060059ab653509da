import { isIP } from "node:net";
import { NexusError, toErrorBody } from "@nexus/contracts";
import type { Clock, Logger, Telemetry } from "@nexus/ports";
import type { Health } from "@nexus/runtime";
import { type FastifyInstance, fastify } from "fastify";
import { queryTraces } from "./handlers/query-traces.ts";
import { receiveTraces, sendExportFailure, statusOf } from "./handlers/receive-traces.ts";
import type { TraceStore } from "./trace-store.ts";

/**
 * The console's HTTP.
 *
 * Invariants
 * C1. On a loopback address only requests for a loopback name are answered: a page elsewhere whose name was made to point
 *     here (DNS rebinding) reads nothing.
 * C2. Bodies, connections and the time of a request are bounded.
 */
export interface HttpOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly bodyBytesMax: number;
}

export interface HttpDeps {
  readonly store: TraceStore;
  readonly health: Health;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

export interface HttpServer {
  readonly port: number;
  stop(): Promise<void>;
}

const CONNECTIONS_MAX = 256;
const REQUEST_TIMEOUT_MS = 10_000;

/** @throws NexusError `invalid-field` when the address cannot be listened on */
export async function startHttp(options: HttpOptions, deps: HttpDeps): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: options.bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  app.server.maxConnections = CONNECTIONS_MAX; // C2
  if (isLoopback(options.host)) refuseOtherNames(app);
  answerErrors(app, deps.logger);
  receiveTraces(app, { ...deps, bodyBytesMax: options.bodyBytesMax });
  queryTraces(app, deps.store);
  app.get("/", async () => ({
    service: "nexus-console",
    traces: "/api/traces/<id>",
    receives: "/v1/traces",
    health: "/healthz",
  }));
  app.get("/healthz", async () => deps.health.report());
  app.get("/readyz", async (_request, reply) => {
    const report = deps.health.report();
    return reply.code(report.status === "unready" ? 503 : 200).send(report);
  });
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    const message = `${options.host}:${options.port} cannot be listened on (${(cause as Error).message}); choose another NEXUS_CONSOLE_PORT, or 0`;
    throw new NexusError("invalid-field", message, { field: "NEXUS_CONSOLE_PORT", cause });
  }
  const address = app.server.address();
  return { port: typeof address === "object" && address !== null ? address.port : options.port, stop: () => app.close() };
}

/** C1 */
function refuseOtherNames(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    const name = request.hostname.replace(/^\[|\]$/g, "");
    if (!isLoopback(name)) throw Object.assign(new Error(`"${name.slice(0, 80)}" is not this host`), { statusCode: 421 });
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** In the form that each caller reads: OTLP's, or Jaeger's. */
function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    const message = status === 500 ? toErrorBody(error).message : (error as Error).message;
    if (status === 500) logger.error({ url: request.url.slice(0, 256), err: error }, "a request met a defect");
    if (request.url.startsWith("/v1/")) return sendExportFailure(request, reply, status, message);
    return reply.code(status).send(failure(status, message));
  });
  app.setNotFoundHandler((request, reply) => {
    const message = request.url.startsWith("/v1/")
      ? "only traces are received here, at /v1/traces"
      : "nothing is here; GET / lists what is";
    return reply.code(404).send(failure(404, message));
  });
}

function failure(code: number, msg: string) {
  return { data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] };
}
