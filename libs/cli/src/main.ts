import { readFileSync } from "node:fs";
import { run } from "./program.ts";

const ENDED_BY_SIGPIPE = 128 + 13;

// Whoever reads our output may have had enough of it (`| head`): that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? ENDED_BY_SIGPIPE : 1));
}

const exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  nodeVersion: process.versions.node,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readInput: (path) => readFileSync(path === "-" ? 0 : path),
  outIsTty: process.stdout.isTTY === true,
  size: () => ({ columns: process.stdout.columns ?? 120, rows: process.stdout.rows ?? 40 }),
  progress: process.stderr.isTTY === true ? process.stderr : undefined,
  onInterrupt(listener) {
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
});
if (exitCode !== undefined) process.exitCode = exitCode;
