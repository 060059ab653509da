import type { Logger } from "@nexus/ports";
import { type DestinationStream, pino } from "pino";

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  /** 1: stdout, as containers want it; 2: stderr, where stdout carries results. */
  readonly fileDescriptor: 1 | 2;
  /** Instead of the file descriptor. */
  readonly destination?: DestinationStream;
  /** The trace that is current where a line is written; lines outside traces have none. */
  readonly traceId?: () => string | undefined;
}

const secretFields = ["password", "pass", "token", "authorization", "NEXUS_NATS_PASSWORD", "NEXUS_NATS_TOKEN"];

/** Structured logs, one JSON object a line. Written before the call returns, so that a crash loses no line. */
export function createLogger(options: LoggerOptions): Logger {
  const { traceId } = options;
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      redact: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      serializers: { err: pino.stdSerializers.err },
      ...(traceId === undefined ? {} : { mixin: () => tracedBy(traceId()) }),
    },
    options.destination ?? pino.destination({ dest: options.fileDescriptor, sync: true }),
  );
}

function tracedBy(traceId: string | undefined): object {
  return traceId === undefined ? {} : { traceId };
}
