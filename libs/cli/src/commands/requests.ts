import { type JsonValue, limits, NexusError, type RequestReport, requestIdPattern } from "@nexus/contracts";
import type { Command } from "commander";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { resultText } from "../output/result-text.ts";
import { missingTable, rowsTable } from "../output/rows-table.ts";
import { createStyle, type Style } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured, withClient } from "../session.ts";
import { numberOption } from "./number-option.ts";

const ID_HELP = "a request's id, as its result or `coordinate` told it";

/** What became of one request, by its id; whichever router has it. */
export function requestsCommand(program: Command, io: Io, finish: Finish): void {
  const requests = program
    .command("requests")
    .description("one request by its id: its state and result, its rows, the agents it is missing; or end it")
    .addHelpText(
      "after",
      "\nExamples:\n  nexus requests get 01JD0000000000000000000000\n  nexus requests get 01JD0000000000000000000000 --wait 30000\n  nexus requests rows 01JD0000000000000000000000 --json | jq length\n  nexus requests cancel 01JD0000000000000000000000\n\nRouters keep ended requests for some minutes. Exit code 1 while it still runs.",
    );
  const add = (name: string, description: string, act: Act) =>
    requests
      .command(`${name} <id>`)
      .description(description)
      .addHelpText("after", `\nExamples:\n  nexus requests ${name} 01JD0000000000000000000000\n\n<id>: ${ID_HELP}.`)
      .action(async (id: string, _, command: Command) => {
        const options = command.optsWithGlobals<RequestOptions>();
        finish(await act(checked(id), options, io));
      });
  add("get", "its state, and its result when it has ended", get).option("--wait <ms>", "wait this long for its end");
  add("cancel", "stop it; prints what came of it until then", cancel);
  add("rows", "every row of its result", rows);
  add("missing", "every agent whose answer is missing, with the reason", missing);
}

interface RequestOptions extends GlobalOptions {
  readonly wait?: string;
}
type Act = (id: string, options: RequestOptions, io: Io) => Promise<0 | 1>;

const get: Act = async (id, options, io) => {
  const range = { min: 0, max: limits.timeoutMsMax, of: "milliseconds" } as const;
  const wait = options.wait === undefined ? {} : { waitMs: numberOption("wait", options.wait, range) };
  const report = await withClient(targetOf(options, io), (client) => client.get(id, wait));
  return printReport(report, options, io);
};

const cancel: Act = async (id, options, io) => {
  const report = await withClient(targetOf(options, io), (client) => client.cancel(id));
  return printReport(report, options, io);
};

const rows: Act = async (id, options, io) =>
  withClient(targetOf(options, io), async (client) => printList(client.rows(id), rowsTable, options, io));

const missing: Act = async (id, options, io) =>
  withClient(targetOf(options, io), async (client) => printList(client.missing(id), missingTable, options, io));

function printReport(report: RequestReport, options: GlobalOptions, io: Io): 0 | 1 {
  const { id, state, router, result } = report;
  if (options.json === true) io.out(`${JSON.stringify(report, null, 2)}\n`);
  else if (result !== undefined) io.out(resultText(result, createStyle(isColoured(options, io))));
  else io.out(`${state}  ${report.type ?? "request"} ${id}  at router ${router}\n`);
  return state === "done" ? 0 : 1;
}

async function printList<T>(
  items: AsyncIterable<T>,
  table: (items: readonly T[], style: Style) => string,
  options: GlobalOptions,
  io: Io,
): Promise<0> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  if (options.json === true) io.out(`${JSON.stringify(all as JsonValue[], null, 2)}\n`);
  else io.out(table(all, createStyle(isColoured(options, io))));
  return 0;
}

function checked(id: string): string {
  if (requestIdPattern.test(id)) return id;
  throw new NexusError("invalid-field", `"${id.slice(0, 64)}" is no request id: it is a ULID, 26 letters and digits`, {
    field: "id",
  });
}
