#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { run } from "./program.ts";

// Whoever reads us may have enough: `nexus agents | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(128 + 13); // as SIGPIPE would end it
});

const exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  nodeVersion: process.versions.node,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readInput: (path) => readFileSync(path === "-" ? 0 : path),
  outIsTty: process.stdout.isTTY === true,
  progress: process.stderr.isTTY === true ? process.stderr : undefined,
});
if (exitCode !== undefined) process.exitCode = exitCode;
