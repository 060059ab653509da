import type { Logger } from "@nexus/ports";

/**
 * Starting and stopping in order: what was started last is stopped first, each step within its time.
 *
 * Invariants
 * L1. Every step runs once, whatever the others do; a failure or an overrun is logged and the next step follows.
 * L2. A step that is added while or after everything stops (a start that a signal overtook) is run as well.
 */
export interface Lifecycle {
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** Stops everything once; later calls wait for the same end. @returns the names of the steps that failed */
  stop(): Promise<string[]>;
}

interface Step {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

export function createLifecycle(options: { logger: Logger; stepTimeoutMs: number }): Lifecycle {
  const steps: Step[] = [];
  const failed: string[] = [];
  let stopping: Promise<string[]> | undefined;
  let ended = false;
  const run = async ({ name, stop }: Step) => {
    try {
      await within(options.stepTimeoutMs, Promise.resolve(stop()));
    } catch (error) {
      failed.push(name);
      options.logger.error({ step: name, err: error }, "a step of stopping failed");
    }
  };
  const stopAll = async () => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) await run(step);
    ended = true;
    return failed;
  };
  return {
    onStop(name, stop) {
      if (ended)
        void run({ name, stop }); // L2; `run` never rejects
      else steps.push({ name, stop });
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Drains on the first SIGINT, SIGTERM or SIGHUP and exits with 0, or 1 if a step failed; a second signal exits at once
 * with 128 + its number. A program that was to come to a result (`interrupts`) exits with 128 + n after the first signal,
 * too: 0 would say that it did. A defect (an error that nobody handled) is logged and ends the process with 1.
 */
export function exitOnSignals(lifecycle: Lifecycle, logger: Logger, options: { readonly interrupts?: boolean } = {}): void {
  let signalled = false;
  for (const signal of Object.keys(signalNumbers) as (keyof typeof signalNumbers)[]) {
    process.on(signal, () => {
      if (signalled) process.exit(128 + signalNumbers[signal]);
      signalled = true;
      logger.info({ signal }, "stopping");
      const clean = options.interrupts === true ? 128 + signalNumbers[signal] : 0;
      void lifecycle.stop().then((failed) => process.exit(failed.length === 0 ? clean : 1));
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
