import { errorFromIssues, NexusError } from "@nexus/contracts";
import type { Command } from "commander";
import { type Context, contextSchema, shownContext } from "../contexts/context.ts";
import { changeContexts, checkContextName, contextNamed, contextsPath, readContexts } from "../contexts/contexts-file.ts";
import { given, type Io } from "../io.ts";
import { contextsTable, contextText } from "../output/contexts-text.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured } from "../session.ts";

interface AddOptions extends GlobalOptions {
  readonly description?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly creds?: string;
  readonly inboxPrefix?: string;
  readonly tracesUrl?: string;
  readonly redisUrl?: string;
  readonly use?: boolean;
  readonly replace?: boolean;
}

const help = `
Examples:
  nexus context add prod --server nats://nats.example:4222 --user ops --password - --use < password.txt
  nexus context list
  nexus context use prod
  nexus context show
  nexus agents --context staging          for one command
  NEXUS_CONTEXT=staging nexus agents      for one shell

Options go before the context of --context, that before the environment (NEXUS_NATS_URL, …), that before the context of
NEXUS_CONTEXT or the one in use. A context's credentials are sent to its own server alone. Contexts are kept in
$XDG_CONFIG_HOME/nexus/contexts.json (~/.config/nexus), readable by you alone.`;

/** Named targets, kept for the user. */
export function contextCommand(program: Command, io: Io, finish: Finish): void {
  const context = program
    .command("context")
    .description("names for the fleets that you work with: where they are and how to get in")
    .addHelpText("after", help);
  addCommand(context, io, finish);
  context
    .command("use <name>")
    .description("use a context where none is named")
    .addHelpText("after", "\nExamples:\n  nexus context use prod")
    .action(async (name: string) => {
      await changeContexts(io, (file) => {
        contextNamed(file, name);
        return { ...file, current: name };
      });
      io.err(`using context ${name}\n`);
      finish(0);
    });
  context
    .command("list")
    .description("the contexts that are kept; the one in use has a *")
    .addHelpText("after", "\nExamples:\n  nexus context list\n  nexus context list --json")
    .action((_, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { current, contexts } = readContexts(io);
      const rows = Object.entries(contexts).map(([name, kept]) => ({ name, current: name === current, ...shownContext(kept) }));
      if (options.json === true) io.out(`${JSON.stringify(rows, null, 2)}\n`);
      else io.out(contextsTable(rows, createStyle(isColoured(options, io))));
      finish(0);
    });
  context
    .command("show [name]")
    .description("what a context holds, without its secrets; by default the one in use")
    .addHelpText("after", "\nExamples:\n  nexus context show\n  nexus context show prod --json")
    .action((named: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const file = readContexts(io);
      const name = named ?? options.context ?? given(io, "NEXUS_CONTEXT") ?? file.current;
      if (name === undefined) throw new NexusError("not-found", "no context is in use: name one, or nexus context use <name>");
      const shown = { name, current: name === file.current, ...shownContext(contextNamed(file, name)) };
      io.out(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : contextText(shown));
      finish(0);
    });
  context
    .command("remove <name>")
    .description("forget a context")
    .addHelpText("after", "\nExamples:\n  nexus context remove staging")
    .action(async (name: string) => {
      let wasInUse = false;
      await changeContexts(io, (file) => {
        contextNamed(file, name);
        const { current, contexts: kept } = file;
        const { [name]: _, ...contexts } = kept;
        wasInUse = current === name;
        return { ...(wasInUse || current === undefined ? {} : { current }), contexts };
      });
      io.err(`context ${name} is forgotten${wasInUse ? "; none is in use now" : ""}\n`);
      finish(0);
    });
}

function addCommand(context: Command, io: Io, finish: Finish): void {
  context
    .command("add <name>")
    .description("keep a context; --server and --prefix are part of it")
    .option("--description <text>", "what it is")
    .option("--user <name>", "user for NATS")
    .option("--password <text>", 'password for NATS; "-" reads it from stdin, so that the shell keeps none')
    .option("--token <text>", 'token for NATS; "-" reads it from stdin')
    .option("--creds <path>", "a .creds file for NATS")
    .option("--inbox-prefix <subject>", "where this user may receive answers, instead of _INBOX")
    .option("--traces-url <url>", "where traces are read: a console or Jaeger, such as http://jaeger:16686")
    .option("--redis-url <url>", "the routers' Redis, for doctor")
    .option("--use", "use it from now on")
    .option("--replace", "instead of the one that has this name")
    .addHelpText(
      "after",
      "\nExamples:\n  nexus context add local --server nats://127.0.0.1:4222 --use\n  nexus context add prod --server tls://nats.example:4222 --creds ~/prod.creds",
    )
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      checkContextName(name);
      const added = contextFrom(options, io);
      await changeContexts(io, (file) => {
        if (Object.hasOwn(file.contexts, name) && options.replace !== true) {
          throw new NexusError("invalid-field", `there is a context "${name}" already; --replace replaces it`, { field: "name" });
        }
        const current = options.use === true ? name : file.current;
        return { ...(current === undefined ? {} : { current }), contexts: { ...file.contexts, [name]: added } };
      });
      io.err(`context ${name} is kept in ${contextsPath(io)}${options.use === true ? ", and in use" : ""}\n`);
      finish(0);
    });
}

function contextFrom(options: AddOptions, io: Io): Context {
  const { description, server, user, creds, inboxPrefix, prefix, tracesUrl, redisUrl } = options;
  const password = secretFrom(options.password, "password", io);
  const token = secretFrom(options.token, "token", io);
  const all = { description, server, user, password, token, creds, inboxPrefix, prefix, tracesUrl, redisUrl };
  const parsed = contextSchema.safeParse(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the context");
  return parsed.data;
}

function secretFrom(option: string | undefined, name: string, io: Io): string | undefined {
  if (option !== "-") return option;
  const [line = ""] = new TextDecoder().decode(io.readInput("-")).split(/\r?\n/, 1);
  if (line !== "") return line;
  throw new NexusError("invalid-field", `--${name} - reads the first line of stdin, which is empty`, { field: name });
}
