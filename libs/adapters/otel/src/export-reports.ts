import type { Logger } from "@nexus/ports";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";

interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): void;
}

/**
 * Tells when exports begin to fail and when they succeed again, one line each: what a receiver misses is lost, and a line
 * for every batch would drown the log. @returns the same exporter
 */
export function reporting<Items, E extends Exporter<Items>>(
  exporter: E & Exporter<Items>,
  what: { readonly url: string; readonly logger: Logger },
): E {
  const { url, logger } = what;
  const send = exporter.export.bind(exporter);
  let failing = false;
  exporter.export = (items, done) =>
    send(items, (result) => {
      const failed = result.code !== ExportResultCode.SUCCESS;
      if (failed && !failing) logger.warn({ url, err: result.error }, "telemetry is not taken by its receiver and is lost");
      if (!failed && failing) logger.info({ url }, "telemetry is taken again");
      failing = failed;
      done(result);
    });
  return exporter;
}
