import { mkdir, writeFile } from "node:fs/promises";
import { HELP, type Options, parseArguments } from "./arguments.ts";
import { profilesText } from "./profile/read-profiles.ts";
import { pageOf } from "./report/page.ts";
import type { Report } from "./report/report.ts";
import { tableOf } from "./report/table.ts";
import { runSuite } from "./run-suite.ts";
import type { Suite } from "./suite.ts";
import { suites } from "./suites/index.ts";

/** `npm run bench`. stdout is for the results alone. */

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

async function main(argv: readonly string[]): Promise<number> {
  const command = parseArguments(argv);
  switch (command.kind) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "list":
      for (const { name, summary } of suites.values()) process.stdout.write(`${name}  ${summary}\n`);
      return 0;
    case "refused":
      return refuse(command.message);
    case "run": {
      const suite = suites.get(command.options.suite);
      if (suite === undefined) return refuse(`there is no suite "${command.options.suite}"; --list shows them`);
      const unknown = command.options.loads?.find((wanted) => !suite.loads.some(({ name }) => name === wanted));
      if (unknown === undefined) return await run(suite, command.options);
      return refuse(`there is no load "${unknown}"; there are: ${suite.loads.map(({ name }) => name).join(", ")}`);
    }
  }
}

function refuse(message: string): number {
  process.stderr.write(`bench: ${message}\n\n${HELP}`);
  return 2;
}

async function run(suite: Suite, options: Options): Promise<number> {
  const interrupted = new AbortController();
  let signalled: keyof typeof signals | undefined;
  for (const signal of Object.keys(signals) as (keyof typeof signals)[]) {
    process.once(signal, () => {
      signalled = signal;
      interrupted.abort(new Error(`interrupted by ${signal}`));
    });
  }
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  const progress = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  try {
    const report = await runSuite(suite, options, progress, interrupted.signal);
    await write(report, options);
    return report.valid ? 0 : 1;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return signalled === undefined ? 1 : 128 + signals[signalled];
  }
}

async function write(report: Report, { json, page, profile }: Options): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json === "-" ? text : tableOf(report));
  if (json !== undefined && json !== "-") await writeFile(json, text);
  if (page !== undefined) await writeFile(page, await pageOf(report));
  if (profile === undefined) return;
  const profiles = `\n${await profilesText(profile)}\n`;
  // With JSON on stdout, people read on stderr.
  (json === "-" ? process.stderr : process.stdout).write(profiles);
}

process.exitCode = await main(process.argv.slice(2));
