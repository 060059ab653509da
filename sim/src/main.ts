import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { helpOf, parseArguments, type Run } from "./arguments.ts";
import { measureRounds, tableOf, writePage } from "./gossip-rounds.ts";
import { jsonOf, Tally, textOf } from "./report.ts";
import { suites } from "./suites/index.ts";

/** `npm run sim`. stdout is for the results alone. */

const PROGRESS_EVERY_MS = 2_000;

async function main(argv: readonly string[]): Promise<number> {
  const command = parseArguments(argv, suites);
  switch (command.kind) {
    case "help":
      process.stdout.write(helpOf(suites, command.suite));
      return 0;
    case "refused":
      process.stderr.write(`sim: ${command.message}\n\n${helpOf(suites, suites.get(argv[0] ?? ""))}`);
      return 2;
    case "run":
      return await run(command.run);
    case "rounds":
      return await rounds(command);
  }
}

/** @returns 0 where every p99 is within its bound */
async function rounds({ seeds, json, page }: { seeds: number; json: boolean; page: string | undefined }): Promise<number> {
  const rows = measureRounds(seeds, (line) => void process.stderr.write(`sim: ${line}\n`));
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : tableOf(rows));
  if (page !== undefined) await writePage(rows, page);
  return rows.every(({ p99, boundP99 }) => p99 <= boundP99) ? 0 : 1;
}

async function run({ suite, values, seeds, json, transcript }: Run): Promise<number> {
  const tally = new Tally(suite, values);
  const file = transcript === undefined ? undefined : createWriteStream(transcript);
  let saidMs = performance.now();
  for (const [index, seed] of seeds.entries()) {
    const outcome = suite.run(seed, values, file !== undefined);
    file?.write(`seed ${seed}\n${outcome.transcript}`);
    tally.add(seed, outcome);
    if (performance.now() - saidMs < PROGRESS_EVERY_MS) continue;
    saidMs = performance.now();
    process.stderr.write(`sim: ${index + 1} of ${seeds.length} runs, ${tally.violations} violations\n`);
  }
  if (file !== undefined) await finished(file.end());
  process.stdout.write((json ? jsonOf : textOf)(tally.report()));
  return tally.violations === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
