import { NexusError } from "@nexus/contracts";
import { exitCodeOfError } from "@nexus/runtime/exit-codes";
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { agentsCommand } from "./commands/agents.ts";
import { completionCommand } from "./commands/completion.ts";
import { contextCommand } from "./commands/context.ts";
import { coordinateCommand } from "./commands/coordinate.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { gossipCommand } from "./commands/gossip.ts";
import { membersCommand } from "./commands/members.ts";
import { requestsCommand } from "./commands/requests.ts";
import { topCommand } from "./commands/top.ts";
import { traceCommand } from "./commands/trace.ts";
import { upCommand } from "./commands/up.ts";
import { watchCommand } from "./commands/watch.ts";
import type { Io } from "./io.ts";
import { errorLine } from "./output/error-line.ts";

/** A command tells its exit code here; `undefined` means that it stays until a signal. */
export type Finish = (exitCode: number | undefined) => void;

const examples = `
Examples:
  nexus up                                        start everything on this machine, with an example fleet
  nexus doctor                                    check what is there, and what to do about what is not
  nexus coordinate request.json                   send a request, print what came of it
  nexus coordinate - --json < request.json        the result alone on stdout, for other programs
  nexus trace 01JD0000000000000000000000          how it was reached, as a tree
  nexus watch --status failed                     coordinations of all routers, live
  nexus top                                       routers and agents, live
  nexus context add prod --server nats://… --use  remember where a fleet is

Exit codes: 0 done; 1 failed, partial where the request does not allow it, or unavailable; 2 input to be corrected.`;

/**
 * Runs one command line.
 * @param argv without the node binary and the script
 * @returns the exit code; `undefined` while something stays until a signal
 */
export async function run(argv: readonly string[], io: Io): Promise<number | undefined> {
  let exitCode: number | undefined = 0;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (argv.includes("--debug")) io.err(`${error instanceof Error ? error.stack : String(error)}\n`);
    io.err(errorLine(error));
    return error instanceof NexusError ? exitCodeOfError(error) : 1;
  }
}

const commands = [
  upCommand,
  coordinateCommand,
  requestsCommand,
  traceCommand,
  watchCommand,
  topCommand,
  agentsCommand,
  membersCommand,
  gossipCommand,
  doctorCommand,
  contextCommand,
];

function buildProgram(io: Io, finish: Finish): Command {
  const program = new Command("nexus")
    .description("Coordinates fleets of agents over NATS.")
    .version(manifest.version, "--version", "print the version of this command")
    .option("--server <url>", "NATS servers, several with commas (env NEXUS_NATS_URL, else nats://127.0.0.1:4222)")
    .option("--prefix <subject>", "first tokens of every subject (env NEXUS_PREFIX, else nexus)")
    .option("--context <name>", "a context that is kept (env NEXUS_CONTEXT); see nexus context")
    .option("--json", "print JSON on stdout, and nothing else there")
    .option("--no-color", "no colours; they are used at a terminal alone")
    .option("--debug", "print the stack of an error")
    .addHelpText("after", examples)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(text.replace(/^error: /, "error invalid-field: ")),
    })
    .exitOverride();
  for (const command of commands) command(program, io, finish);
  completionCommand(program, io);
  return program;
}
