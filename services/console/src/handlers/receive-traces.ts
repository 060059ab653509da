import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { decodeTraces, exportAnswer, exportFailure, type OtlpEncoding } from "@nexus/adapter-otel/receive";
import { attributes, errorCodes, NexusError } from "@nexus/contracts";
import type { Clock, Logger, Telemetry } from "@nexus/ports";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { TraceStore } from "../trace-store.ts";

/** `POST /v1/traces`: OTLP/HTTP. https://opentelemetry.io/docs/specs/otlp/#otlphttp */

export interface ReceiveDeps {
  readonly store: TraceStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly bodyBytesMax: number;
}

const mediaTypes = { "application/x-protobuf": "protobuf", "application/json": "json" } as const;
const unpack = promisify(gunzip);

export function receiveTraces(app: FastifyInstance, deps: ReceiveDeps): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(Object.keys(mediaTypes), { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/v1/traces", async (request, reply) => {
    const encoding = encodingOf(request);
    const body = await unpacked(request, deps.bodyBytesMax);
    const { spans, rejected, reason } = decodeTraces(body, encoding);
    const dropped = deps.store.add(spans, deps.clock.monotonicMs());
    if (rejected + dropped > 0) {
      const why = reason ?? "the trace has as many spans, or bytes, as are kept of one";
      deps.telemetry.count("boundsReached", rejected + dropped, { [attributes.reason]: "spans" });
      deps.logger.debug({ rejected, dropped, reason: why }, "spans were not taken");
      return send(reply, encoding, 200, exportAnswer(encoding, rejected + dropped, why));
    }
    return send(reply, encoding, 200, exportAnswer(encoding, 0, undefined));
  });
}

/** What went wrong, as OTLP's senders read it. */
export function sendExportFailure(request: FastifyRequest, reply: FastifyReply, status: number, message: string): FastifyReply {
  const encoding = mediaType(request) === "application/json" ? "json" : "protobuf";
  return send(reply, encoding, status, exportFailure(encoding, message));
}

/** The HTTP status of what a handler threw. */
export function statusOf(error: unknown): number {
  if (error instanceof NexusError) return errorCodes[error.code].natsCode;
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === "number" && statusCode >= 400 ? statusCode : 500;
}

function mediaType(request: FastifyRequest): string {
  return request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function encodingOf(request: FastifyRequest): OtlpEncoding {
  const type = mediaType(request);
  if (type === "application/x-protobuf" || type === "application/json") return mediaTypes[type];
  throw new NexusError("unsupported-content-type", `send ${Object.keys(mediaTypes).join(" or ")}`);
}

async function unpacked(request: FastifyRequest, bytesMax: number): Promise<Uint8Array> {
  const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
  const encoding = request.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity") return body;
  if (encoding !== "gzip") throw new NexusError("unsupported-content-type", "Content-Encoding must be gzip, or be left out");
  try {
    return await unpack(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new NexusError("too-large", `the body unpacks to more than ${bytesMax} bytes; send fewer spans at once`);
    }
    throw new NexusError("malformed", `the body is not gzip: ${(error as Error).message}`, { cause: error });
  }
}

function send(reply: FastifyReply, encoding: OtlpEncoding, status: number, body: Uint8Array): FastifyReply {
  const type = encoding === "json" ? "application/json" : "application/x-protobuf";
  return reply.code(status).header("content-type", type).send(Buffer.from(body));
}
