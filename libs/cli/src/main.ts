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
// Ended here, once all is told: a server that never answered may still hold a socket, which nothing can close.
if (exitCode !== undefined) {
  process.exitCode = exitCode;
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(exitCode);
}

/** Resolves never where the reader is gone: the stream's error ends the process. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", (error) => {
      if (!error) resolve();
    });
  });
}
