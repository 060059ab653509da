import { type AgentRow, type AgentsQuery, agentsQuerySchema, errorFromIssues, NexusError } from "@nexus/contracts";
import type { Command } from "commander";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { agentsTable } from "../output/agents-table.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured, withClient } from "../session.ts";

interface AgentsOptions extends GlobalOptions {
  readonly group?: string;
  readonly label?: string[];
}

export function agentsCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("agents")
    .description("list the agents that the routers know")
    .option("--group <name>", "those of a group")
    .option("--label <key=value...>", "those with a label; several must all match")
    .addHelpText(
      "after",
      "\nExamples:\n  nexus agents\n  nexus agents --group shards --label zone=odd\n  nexus agents --json | jq '.[].agent'",
    )
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<AgentsOptions>();
      const query = queryOf(options);
      const rows = await withClient(targetOf(options, io), async (client) => {
        const found: AgentRow[] = [];
        for await (const row of client.agents(query)) found.push(row);
        return found;
      });
      if (options.json === true) io.out(`${JSON.stringify(rows, null, 2)}\n`);
      else io.out(agentsTable(rows, createStyle(isColoured(options, io))));
      finish(0);
    });
}

/** @throws NexusError naming the option that is wrong */
function queryOf(options: { readonly group?: string; readonly label?: readonly string[] }): AgentsQuery {
  const labels = (options.label ?? []).map((label) => {
    const at = label.indexOf("=");
    if (at > 0) return [label.slice(0, at), label.slice(at + 1)] as const;
    throw new NexusError("invalid-field", `--label must be key=value, not "${label}"`, { field: "label" });
  });
  const parsed = agentsQuerySchema.safeParse({
    ...(options.group === undefined ? {} : { group: options.group }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  });
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the query");
  return parsed.data;
}
