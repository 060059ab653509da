import { gossipMembersSchema } from "@nexus/contracts";
import type { Command } from "commander";
import { askGossip } from "../bus/ask-gossip.ts";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { membersTable } from "../output/members-table.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured, withBus } from "../session.ts";

const help = `
Examples:
  nexus members
  nexus members --json | jq '.members[] | select(.state != "alive")'

Nodes of the gossip service know each other; whichever takes the question tells what it holds of the others, and another one may
hold something else for a while. Dead ones and those that left are listed for some minutes.`;

/** Who is there, as one node of the gossip sees it. */
export function membersCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("members")
    .description("list the members of the gossip, as one of them sees the others")
    .addHelpText("after", help)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const target = targetOf(options, io);
      const { prefix } = target;
      const seen = await withBus(target, (bus) => askGossip({ bus, prefix }, "members", gossipMembersSchema));
      if (options.json === true) io.out(`${JSON.stringify(seen, null, 2)}\n`);
      else io.out(membersTable(seen, createStyle(isColoured(options, io))));
      finish(0);
    });
}
