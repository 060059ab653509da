import type { Command } from "commander";
import { Listr, ListrLogger, ProcessOutput } from "listr2";
import { type Check, checks, type Examined, type Finding } from "../doctor/checks.ts";
import type { Io } from "../io.ts";
import { findingsText } from "../output/findings-text.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured, targetOf } from "../session.ts";

export function doctorCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("doctor")
    .description("check everything that coordination needs, with a remedy for what is missing")
    .addHelpText(
      "after",
      "\nExamples:\n  nexus doctor\n  nexus doctor --server nats://10.0.0.5:4222 --json\n\nExit code 1 if any check fails.",
    )
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const findings = await examine({ io, target: targetOf(options, io) }, options.json === true ? undefined : io.progress);
      if (options.json === true) io.out(`${JSON.stringify(findings, null, 2)}\n`);
      else io.out(findingsText(findings, createStyle(isColoured(options, io))));
      finish(findings.some(({ state }) => state === "failed") ? 1 : 0);
    });
}

/** Runs the checks in order; one whose ground is not there is skipped, and says which. */
async function examine(examined: Examined, progress: NodeJS.WriteStream | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  const lost = new Set<string>();
  const list = checks();
  const examineOne = async (check: Check) => {
    const missing = check.needs.find((need) => lost.has(need));
    const outcome =
      missing === undefined ? await check.run(examined) : { state: "skipped" as const, detail: `needs: ${missing}` };
    if (outcome.state === "failed" || missing !== undefined) lost.add(check.name);
    findings.push({ check: check.name, ...outcome });
  };
  const tasks = list.map((check) => ({ title: check.name, task: () => examineOne(check) }));
  try {
    if (progress === undefined) for (const { task } of tasks) await task();
    else {
      const logger = new ListrLogger({ processOutput: new ProcessOutput(progress, progress) });
      await new Listr(tasks, { renderer: "default", rendererOptions: { logger, clearOutput: true }, concurrent: false }).run();
    }
  } finally {
    await examined.close?.();
  }
  return findings;
}
