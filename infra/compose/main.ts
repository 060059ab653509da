import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InterruptedError } from "../setup/child-process.mjs";
import { createProgress } from "../setup/progress.mjs";
import { withLock } from "../setup/setup-lock.mjs";
import { composeTest } from "./compose-test.ts";
import type { Context } from "./context.ts";
import { messageOf } from "./errors.ts";
import { withSystemDirs } from "./install-tools.ts";
import { createLifecycle, silentLogger } from "./nexus.ts";
import { HELP, parseOptions } from "./options.ts";
import { closingLines, exitCodeOf, jsonOf } from "./report.ts";

/** `npm run compose:test`: the command line around composeTest. */

const UNDO_MS_MAX = 900_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function main(argv: readonly string[]): Promise<number> {
  const command = parseOptions(argv);
  if (command.kind === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (command.kind === "refused") {
    process.stderr.write(`compose:test: ${command.message}\n${HELP}`);
    return 2;
  }
  const { options } = command;
  const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
  const progress = createProgress(process.stderr, "compose:test");
  const interruption = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (!interruption.signal.aborted) progress.line(`${signal}: everything is taken down`);
      interruption.abort(new InterruptedError(signal));
    });
  }
  const logger = { ...silentLogger, error: (fields: object, text: string) => progress.line(`${text}: ${reasonIn(fields)}`) };
  const undo = createLifecycle({ logger, stepTimeoutMs: UNDO_MS_MAX });
  const context: Context = { root, env: withSystemDirs(process.env), options, progress, interruption: interruption.signal, undo };
  const report = await withLock(join(root, ".nexus", "compose.lock"), progress.line, () => composeTest(context));
  process.stdout.write(`${options.json ? jsonOf(report) : closingLines(report).join("\n")}\n`);
  return exitCodeOf(report, options.strict);
}

function reasonIn(fields: object): string {
  const { step, err } = fields as { step?: string; err?: unknown };
  return `${step ?? ""}: ${messageOf(err)}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InterruptedError)) throw error;
  process.exitCode = error.exitCode;
}
