import type { Logger } from "@nexus/ports";
import { pino } from "pino";

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  /** 1: stdout, as containers want it; 2: stderr, where stdout carries results. */
  readonly fileDescriptor: 1 | 2;
}

/** Structured logs, one JSON object a line. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = pino.destination({ dest: options.fileDescriptor, sync: true });
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      redact: ["password", "token", "*.password", "*.token", "headers.authorization"],
      serializers: { err: pino.stdSerializers.err },
    },
    destination,
  );
}
