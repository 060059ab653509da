import { type GossipMembers, memberStates } from "@nexus/contracts";
import { stateColours } from "./agents-table.ts";
import { milliseconds, type Style } from "./style.ts";

const head = ["member", "state", "for", "service", "version", "incarnation"];

export function membersTable({ node, total, members }: GossipMembers, style: Style): string {
  const cells = members.map(({ id, state, sinceMs, service, version, incarnation }) => [
    id,
    { colour: stateColours[state], word: state },
    milliseconds(sinceMs),
    service ?? "–",
    version ?? "–",
    incarnation,
  ]);
  const byState = Map.groupBy(members, ({ state }) => state);
  const counts = memberStates.flatMap((state) => {
    const count = byState.get(state)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const listed = members.length === total ? "" : `, ${members.length} of them listed`;
  const sum = `${total} ${total === 1 ? "member" : "members"}${listed}: ${counts.join(", ")}`;
  return `${style.table(head, cells)}${sum}; as ${node} sees it\n`;
}
