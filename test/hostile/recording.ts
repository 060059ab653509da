import { attributes } from "@nexus/contracts";
import type { Logger, Telemetry } from "@nexus/ports";

/** Counters and log lines of the processes under test, so that a case can say what it must have caused. */

export interface Counts {
  /** @param reason the value of the attribute that says why: `nexus.reason` or `error.type` */
  of(metric: string, reason: string): number;
  /** Over all reasons. */
  total(metric: string): number;
}

/** Counts by metric and reason, and leaves spans and the rest to another telemetry. */
export function recordingTelemetry(inner: Telemetry): Telemetry & { readonly counts: Counts } {
  const counted = new Map<string, number>();
  return {
    startSpan: (name, options) => inner.startSpan(name, options),
    inject: (context, headers, record) => inner.inject(context, headers, record),
    extract: (headers) => inner.extract(headers),
    record: (metric, value, by) => inner.record(metric, value, by),
    gauge: (metric, read) => inner.gauge(metric, read),
    count(metric, amount, by) {
      const reason = by?.[attributes.reason] ?? by?.[attributes.errorType] ?? "";
      const key = `${metric} ${String(reason)}`;
      counted.set(key, (counted.get(key) ?? 0) + amount);
      inner.count(metric, amount, by);
    },
    counts: {
      of: (metric, reason) => counted.get(`${metric} ${reason}`) ?? 0,
      total: (metric) => [...counted].filter(([key]) => key.startsWith(`${metric} `)).reduce((sum, [, count]) => sum + count, 0),
    },
  };
}

export interface LogLines {
  readonly errors: string[];
  /** Lines of any level but debug. */
  readonly count: number;
}

/** Keeps error lines, which mean a defect whatever a peer sent, and counts all. */
export function recordingLogger(): Logger & { readonly lines: LogLines } {
  const lines = { errors: [] as string[], count: 0 };
  const counted = () => {
    lines.count++;
  };
  const logger: Logger & { readonly lines: LogLines } = {
    lines,
    debug() {},
    info: counted,
    warn: counted,
    error(fields, message) {
      lines.count++;
      lines.errors.push(`${message}: ${String((fields as { err?: unknown }).err ?? "")}`);
    },
    child: () => logger,
  };
  return logger;
}
