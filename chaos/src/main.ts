import { helpOf, parseArguments } from "./arguments.ts";
import { jsonOf, textOf } from "./report.ts";
import type { ChaosSuite, Values } from "./suite.ts";
import { suites } from "./suites/index.ts";

/** `npm run chaos`. stdout is for the results alone. */

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

async function main(argv: readonly string[]): Promise<number> {
  const command = parseArguments(argv, suites);
  switch (command.kind) {
    case "help":
      process.stdout.write(helpOf(suites, command.suite));
      return 0;
    case "refused":
      process.stderr.write(`chaos: ${command.message}\n\n${helpOf(suites, suites.get(argv[0] ?? ""))}`);
      return 2;
    case "run":
      return await run(command.suite, command.values, command.json);
  }
}

async function run(suite: ChaosSuite, values: Values, json: boolean): Promise<number> {
  const interrupted = new AbortController();
  let signalled: keyof typeof signals | undefined;
  for (const signal of Object.keys(signals) as (keyof typeof signals)[]) {
    process.once(signal, () => {
      signalled = signal;
      interrupted.abort(new Error(`interrupted by ${signal}`));
    });
  }
  const progress = (line: string): void => void process.stderr.write(`chaos: ${line}\n`);
  try {
    const outcome = await suite.run(values, { progress, signal: interrupted.signal });
    process.stdout.write((json ? jsonOf : textOf)(suite.name, values, outcome));
    return outcome.violations.length === 0 ? 0 : 1;
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error));
    return signalled === undefined ? 1 : 128 + signals[signalled];
  }
}

process.exitCode = await main(process.argv.slice(2));
