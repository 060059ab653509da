import { runEmbedded } from "./run.ts";

const exitCode = await runEmbedded(process.argv.slice(2), {
  environment: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
if (exitCode !== undefined) process.exit(exitCode);
