import type { Logger } from "@nexus/ports";

/** Starting and stopping in order: what was started last is stopped first, each step within its time. */
export interface Lifecycle {
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** Stops everything once; later calls wait for the same end. @returns the names of the steps that failed */
  stop(): Promise<string[]>;
}

export function createLifecycle(options: { logger: Logger; stepTimeoutMs: number }): Lifecycle {
  const steps: { name: string; stop: () => Promise<void> | void }[] = [];
  let stopping: Promise<string[]> | undefined;
  const stopAll = async () => {
    const failed: string[] = [];
    for (const { name, stop } of steps.reverse()) {
      try {
        await within(options.stepTimeoutMs, Promise.resolve(stop()));
      } catch (error) {
        failed.push(name);
        options.logger.error({ step: name, err: error }, "a step of stopping failed");
      }
    }
    return failed;
  };
  return {
    onStop: (name, stop) => steps.push({ name, stop }),
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/**
 * Drains on the first SIGINT, SIGTERM or SIGHUP and exits; a second one exits at once. A defect (an error that nobody
 * handled) is logged and ends the process.
 */
export function exitOnSignals(lifecycle: Lifecycle, logger: Logger): void {
  let signalled = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (signalled) process.exit(130);
      signalled = true;
      logger.info({ signal }, "stopping");
      lifecycle.stop().then((failed) => process.exit(failed.length === 0 ? 0 : 1));
    });
  }
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      logger.error({ err: error }, `defect: ${event}`);
      process.exit(1);
    });
  }
}

function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done within ${timeoutMs} ms`)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
