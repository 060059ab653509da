import tab from "@bomb.sh/tab/commander";
import { activityStatuses, goalTypes, serviceNames } from "@nexus/contracts";
import type { Command } from "commander";
import { shownContext } from "../contexts/context.ts";
import { readContexts } from "../contexts/contexts-file.ts";
import type { Io } from "../io.ts";
import { printableLine } from "../output/printable.ts";

const help = `
Examples:
  source <(nexus completion bash)                                    for this shell
  nexus completion bash > ~/.local/share/bash-completion/completions/nexus
  nexus completion zsh > "\${fpath[1]}/_nexus"
  nexus completion fish > ~/.config/fish/completions/nexus.fish

The script asks "nexus complete" for what fits, so nexus has to be on the PATH. Bash needs the package bash-completion. Names of
files are not completed.`;

type Complete = (name: string, description: string) => void;

/** Options that take several of a list, which the library does not see in them. */
const lists: readonly (readonly [command: string, option: string, values: readonly string[]])[] = [
  ["watch", "type", goalTypes],
  ["watch", "status", activityStatuses],
  ["doctor", "require", serviceNames],
];

/**
 * Scripts for shells, by a library that also answers what fits. It must see every command, so it comes last.
 * It writes to the console by itself.
 */
export function completionCommand(program: Command, io: Io): void {
  const completion = tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")
    ?.description("completion for bash, zsh, fish or powershell")
    .addHelpText("after", help);
  // Options that every command takes are the program's own, and the library offers those of a command alone.
  for (const command of completion.commands.values()) {
    for (const [name, option] of completion.options) {
      if (name !== "version" && !command.options.has(name)) command.options.set(name, option);
    }
  }
  const offerContexts = (complete: Complete) => {
    for (const [name, description] of contextNames(io)) complete(name, description);
  };
  for (const name of ["context use", "context show", "context remove"]) {
    const argument = completion.commands.get(name)?.arguments.get("name");
    if (argument !== undefined) argument.handler = offerContexts;
  }
  for (const { options } of [completion, ...completion.commands.values()]) {
    const option = options.get("context");
    if (option !== undefined) option.handler = offerContexts;
  }
  for (const [command, name, values] of lists) {
    const option = completion.commands.get(command)?.options.get(name);
    if (option === undefined) continue;
    option.handler = (complete: Complete) => {
      for (const value of values) complete(value, "");
    };
  }
}

function contextNames(io: Io): [name: string, description: string][] {
  try {
    return Object.entries(readContexts(io).contexts).map(([name, context]) => {
      const { description, server } = shownContext(context);
      return [name, printableLine(description ?? server ?? "")];
    });
  } catch {
    return []; // a completion has nowhere to tell what is wrong; every other command does
  }
}
