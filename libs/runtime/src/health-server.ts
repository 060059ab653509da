import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { NexusError } from "@nexus/contracts";
import type { Health } from "./health.ts";

export interface HealthServer {
  readonly port: number;
  stop(): Promise<void>;
}

const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 2_000;

/**
 * `GET /healthz`: 200 while the process runs. `GET /readyz`: 200 while it can work, else 503. Both tell every check.
 * @param options.host absent: every address @param options.port 0: a free one
 * @throws NexusError `invalid-field` when the port cannot be had
 */
export function startHealthServer(
  options: { readonly port: number; readonly host?: string | undefined },
  health: Health,
): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
    answer(request, response, health),
  );
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `NEXUS_HEALTH_PORT ${options.port} cannot be listened on (${cause.message}); choose another or 0`;
      reject(new NexusError("invalid-field", message, { field: "NEXUS_HEALTH_PORT", cause }));
    });
    server.listen({ port: options.port, host: options.host }, () => {
      const { port } = server.address() as AddressInfo;
      const stop = () =>
        new Promise<void>((stopped) => {
          server.close(() => stopped());
          server.closeAllConnections();
        });
      resolve({ port, stop });
    });
  });
}

function answer(request: IncomingMessage, response: ServerResponse, health: Health): void {
  const path = request.url?.split("?", 1)[0];
  if (path !== "/healthz" && path !== "/readyz") return end(response, 404, { error: "only /healthz and /readyz are here" });
  if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, { error: "only GET" });
  const report = health.report();
  end(response, path === "/readyz" && report.status === "unready" ? 503 : 200, report);
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", connection: "close" });
  response.end(JSON.stringify(body)); // Node leaves the body out for HEAD
}
