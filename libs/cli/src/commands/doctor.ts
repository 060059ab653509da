import { NexusError, serviceNames } from "@nexus/contracts";
import type { Command } from "commander";
import { targetOf } from "../contexts/target.ts";
import type { Check, Examined, Finding } from "../doctor/check.ts";
import { checks } from "../doctor/checks.ts";
import type { Io } from "../io.ts";
import { findingsText } from "../output/findings-text.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured } from "../session.ts";

interface DoctorOptions extends GlobalOptions {
  readonly require?: string[];
  readonly monitorUrl?: string;
}

const help = `
Examples:
  nexus doctor
  nexus doctor --server nats://10.0.0.5:4222 --json
  nexus doctor --context prod --require consensus gossip
  nexus doctor --monitor-url http://127.0.0.1:8222

Each check says what was seen and, where something is wrong, what to do. Exit code 1 if any check fails; warnings alone are 0.`;

export function doctorCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("doctor")
    .description("check everything that coordination needs, with a remedy for what is wrong")
    .option("--require <service...>", `services whose absence is a failure: ${serviceNames.join(", ")}`)
    .option("--monitor-url <url>", "nats-server's monitoring, such as http://127.0.0.1:8222: tells slow consumers")
    .addHelpText("after", help)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      const required = (options.require ?? []).flatMap((value) => value.split(","));
      const unknown = required.find((name) => !(serviceNames as readonly string[]).includes(name));
      if (unknown !== undefined) {
        const message = `--require must be of ${serviceNames.join(", ")}, not "${unknown.slice(0, 64)}"`;
        throw new NexusError("invalid-field", message, { field: "require" });
      }
      const examined = { io, target: targetOf(options, io), required, monitorUrl: options.monitorUrl };
      const findings = await examine(examined, options.json === true ? undefined : io.progress);
      if (options.json === true) io.out(`${JSON.stringify(findings, null, 2)}\n`);
      else io.out(findingsText(findings, createStyle(isColoured(options, io))));
      finish(findings.some(({ state }) => state === "failed") ? 1 : 0);
    });
}

/** Runs the checks in order; one whose ground is not there is skipped, and says which. */
async function examine(examined: Examined, progress: NodeJS.WriteStream | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  const lost = new Set<string>();
  const examineOne = async (check: Check) => {
    const missing = check.needs.find((need) => lost.has(need));
    const outcome =
      missing === undefined ? await check.run(examined) : { state: "skipped" as const, detail: `needs: ${missing}` };
    if (outcome.state === "failed" || missing !== undefined) lost.add(check.name);
    findings.push({ check: check.name, ...outcome });
  };
  const tasks = checks.map((check) => ({ title: check.name, task: () => examineOne(check) }));
  try {
    if (progress === undefined) for (const { task } of tasks) await task();
    else {
      const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
      const logger = new ListrLogger({ processOutput: new ProcessOutput(progress, progress) });
      await new Listr(tasks, { renderer: "default", rendererOptions: { logger, clearOutput: true }, concurrent: false }).run();
    }
  } finally {
    await examined.bus?.close();
  }
  return findings;
}
