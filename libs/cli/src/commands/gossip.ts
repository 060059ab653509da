import {
  decode,
  errorFromIssues,
  type GossipPut,
  gossipConvergedSchema,
  gossipGetSchema,
  gossipPageSchema,
  gossipPutSchema,
  gossipWrittenSchema,
  type JsonValue,
  limits,
  NexusError,
} from "@nexus/contracts";
import type { Command } from "commander";
import type { z } from "zod";
import { askGossip } from "../bus/ask-gossip.ts";
import { readEntries } from "../bus/gossip-pages.ts";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { convergedText, entriesTable, entryText, writtenText } from "../output/gossip-text.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type Bus, type GlobalOptions, isColoured, withBus } from "../session.ts";
import { numberOption } from "./number-option.ts";

const help = `
Examples:
  nexus gossip put limits/search '{"perSecond": 50}' --important
  nexus gossip get limits/search
  nexus gossip get --under limits/ --json | jq '.[].value'
  nexus gossip converged --wait 5000

Whichever node takes the question answers for itself: what was just written at one may not be at another yet.`;

const getHelp = `
Examples:
  nexus gossip get limits/search
  nexus gossip get limits/search --json | jq .value
  nexus gossip get --under limits/
  nexus gossip get                                   every key

Exit code 1 where nothing is at the key; --json prints null then.`;

const putHelp = `
Examples:
  nexus gossip put limits/search '{"perSecond": 50}'
  nexus gossip put motd '"text is JSON too, so it has quotes"' --important
  nexus gossip put limits/search - < limits.json`;

const deleteHelp = `
Examples:
  nexus gossip delete limits/search`;

const convergedHelp = `
Examples:
  nexus gossip converged
  nexus gossip converged --wait 10000 --fresh 500
  nexus gossip converged --json | jq '.members[] | select(.agrees | not)'

Those that stand against it come first. A node that lacks what was written less than --fresh ago may still go by what others said
before that. Exit code 1 when not every live member has said lately that it has the same.`;

export function gossipCommand(program: Command, io: Io, finish: Finish): void {
  const gossip = program
    .command("gossip")
    .description("the state that the nodes of the gossip share: read it, write it, ask whether all have the same")
    .addHelpText("after", help);
  const run = async (command: Command, act: (asking: Asking) => Promise<0 | 1>) => {
    const options = command.optsWithGlobals<GossipOptions>();
    const target = targetOf(options, io);
    finish(await withBus(target, (bus) => act({ io, options, of: { bus, prefix: target.prefix } })));
  };
  gossip
    .command("get [key]")
    .description("one value, or all whose keys begin alike")
    .option("--under <beginning>", "every key that begins so, instead of one")
    .addHelpText("after", getHelp)
    .action(async (key: string | undefined, { under }: GossipOptions, command: Command) => {
      if (key === undefined) {
        return await run(command, (asking) => getAll(asking, under ?? ""));
      }
      if (under !== undefined) throw new NexusError("invalid-field", "give a key or --under, not both", { field: "under" });
      const query = checked(gossipGetSchema, { key });
      await run(command, (asking) => getOne(asking, query.key ?? key));
    });
  gossip
    .command("put <key> <json>")
    .description('write a value; "-" reads it from stdin')
    .option("--important", "tell it to others at once, not with the next round")
    .addHelpText("after", putHelp)
    .action(async (key: string, text: string, { important }: GossipOptions, command: Command) => {
      const value = valueIn(text, io);
      const body = checked(gossipPutSchema, { key, value, ...(important === true ? { important } : {}) });
      await run(command, (asking) => write(asking, body));
    });
  gossip
    .command("delete <key>")
    .description("take a key away, everywhere")
    .option("--important", "tell it to others at once, not with the next round")
    .addHelpText("after", deleteHelp)
    .action(async (key: string, { important }: GossipOptions, command: Command) => {
      const body = checked(gossipPutSchema, { key, delete: true, ...(important === true ? { important } : {}) });
      await run(command, (asking) => write(asking, body));
    });
  gossip
    .command("converged")
    .description("whether every live member has what one node has, with what each of them said")
    .option("--wait <ms>", "wait so long for all to have the same", "1000")
    .option("--fresh <ms>", "how old a member's word may be", "2000")
    .addHelpText("after", convergedHelp)
    .action(async ({ wait, fresh }: GossipOptions, command: Command) => {
      const query = {
        waitMs: numberOption("wait", wait, { min: 0, max: limits.timeoutMsMax, of: "milliseconds" }),
        freshMs: numberOption("fresh", fresh, { min: 1, max: limits.timeoutMsMax, of: "milliseconds" }),
      };
      await run(command, (asking) => converged(asking, query));
    });
}

interface GossipOptions extends GlobalOptions {
  readonly under?: string;
  readonly important?: boolean;
  readonly wait: string;
  readonly fresh: string;
}

interface Asking {
  readonly io: Io;
  readonly options: GossipOptions;
  readonly of: { readonly bus: Bus; readonly prefix: string };
}

async function getOne({ io, options, of }: Asking, key: string): Promise<0 | 1> {
  const page = await askGossip(of, "get", gossipPageSchema, { key });
  const [entry] = page.entries;
  if (options.json === true) io.out(`${JSON.stringify(entry ?? null, null, 2)}\n`);
  else if (entry === undefined) io.err(`nothing is at ${key}, as ${page.node} has it\n`);
  else io.out(entryText(entry, createStyle(isColoured(options, io))));
  return entry === undefined ? 1 : 0;
}

async function getAll({ io, options, of }: Asking, keyPrefix: string): Promise<0> {
  const { entries, warning } = await readEntries(of, keyPrefix);
  if (warning !== undefined) io.err(`${warning}\n`);
  if (options.json === true) io.out(`${JSON.stringify(entries, null, 2)}\n`);
  else io.out(entriesTable(entries, createStyle(isColoured(options, io))));
  return 0;
}

async function write({ io, options, of }: Asking, body: GossipPut): Promise<0> {
  const written = await askGossip(of, "put", gossipWrittenSchema, body as JsonValue);
  if (options.json === true) io.out(`${JSON.stringify(written, null, 2)}\n`);
  else io.out(writtenText(written, body.delete === true ? "deleted" : "written"));
  return 0;
}

async function converged(
  { io, options, of }: Asking,
  query: { readonly waitMs: number; readonly freshMs: number },
): Promise<0 | 1> {
  const evidence = await askGossip(of, "converged", gossipConvergedSchema, { ...query }, query.waitMs);
  if (options.json === true) io.out(`${JSON.stringify(evidence, null, 2)}\n`);
  else io.out(convergedText(evidence, createStyle(isColoured(options, io))));
  return evidence.converged ? 0 : 1;
}

/** @throws NexusError `malformed`, with how text is written as JSON */
function valueIn(text: string, io: Io): JsonValue {
  try {
    return decode(text === "-" ? io.readInput("-") : new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    const message = `the value must be JSON (text in double quotes, within the shell's own): ${error.message}`;
    throw new NexusError(error.code, message, { field: "json", cause: error });
  }
}

/** @throws NexusError naming what is wrong */
function checked<T extends z.ZodType>(schema: T, body: object): z.output<T> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the command");
  return parsed.data;
}
