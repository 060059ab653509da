// @ts-check
/**
 * An OTLP/HTTP receiver with Jaeger's three doors, for where Jaeger's image cannot be had: one takes traces, one tells a
 * trace by its id, one answers health. Like Jaeger it takes no metrics.
 *
 * Bodies, traces and connections are bounded; what is beyond a bound is refused or counted.
 */
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { spansOf } from "./otlp-spans.mjs";
import { SpanStore } from "./span-store.mjs";

const BODY_BYTES_MAX = 8 * 1_048_576;
const REQUEST_MS_MAX = 10_000;
const CONNECTIONS_MAX = 256;
const STORE_BOUNDS = { tracesMax: 5_000, spansMax: 1_000 };

/**
 * @typedef {{otlp: number, query: number, health: number}} Ports  0: a free one
 *
 * @param {Ports} ports
 * @param {string} host
 * @returns {Promise<{ports: Ports, stop: () => void}>}
 */
export async function startTraceReceiver(ports, host) {
  const store = new SpanStore(STORE_BOUNDS);
  const doors = [
    await open(ports.otlp, host, (request, response) => takeExport(request, response, store)),
    await open(ports.query, host, (request, response) => tellTrace(request, response, store)),
    await open(ports.health, host, (request, response) => tellHealth(request, response, store)),
  ];
  const [otlp = 0, query = 0, health = 0] = doors.map(
    (door) => /** @type {import("node:net").AddressInfo} */ (door.address()).port,
  );
  return {
    ports: { otlp, query, health },
    stop() {
      for (const door of doors) {
        door.close();
        door.closeAllConnections();
      }
    },
  };
}

/**
 * @param {number} port
 * @param {string} host
 * @param {import("node:http").RequestListener} listener
 * @returns {Promise<import("node:http").Server>}
 */
function open(port, host, listener) {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, listener);
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** @param {import("node:http").IncomingMessage} request  @returns {Promise<Buffer | undefined>} undefined: too large */
async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX }) : body;
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {SpanStore} store
 */
async function takeExport(request, response, store) {
  if (request.method !== "POST" || request.url !== "/v1/traces")
    return answer(response, 404, { message: "only POST /v1/traces" });
  if (request.headers["content-type"] !== "application/x-protobuf") {
    return answer(response, 415, { message: "only application/x-protobuf" });
  }
  try {
    const body = await bodyOf(request);
    if (body === undefined) return answer(response, 413, { message: `more than ${BODY_BYTES_MAX} bytes` });
    for (const span of spansOf(body)) store.add(span);
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    answer(response, 400, { message });
  }
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {SpanStore} store
 */
function tellTrace(request, response, store) {
  const traceId = /^\/api\/v3\/traces\/([0-9a-f]{32})$/.exec(request.url ?? "")?.[1];
  const trace = traceId === undefined ? undefined : store.trace(traceId);
  if (trace === undefined) return answer(response, 404, { error: { message: "only GET /api/v3/traces/<id> of a known trace" } });
  answer(response, 200, trace);
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {SpanStore} store
 */
function tellHealth(request, response, store) {
  answer(response, request.url === "/status" ? 200 : 404, { status: "StatusOK", spansDropped: store.dropped });
}
