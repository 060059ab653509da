import type { GossipConverged, GossipEntry, GossipWritten } from "@nexus/contracts";
import { clip, printable } from "./printable.ts";
import { milliseconds, type Style } from "./style.ts";

const VALUE_CHARS_MAX = 60;

/** One value, whole. */
export function entryText({ key, value, node, stamp }: GossipEntry, style: Style): string {
  return `${style.paint("bold", key)}  written at ${node}  ${printable(stamp)}\n${printable(JSON.stringify(value, null, 2))}\n`;
}

export function entriesTable(entries: readonly GossipEntry[], style: Style): string {
  if (entries.length === 0) return "no keys\n";
  const cells = entries.map(({ key, value, node, stamp }) => [key, clip(JSON.stringify(value), VALUE_CHARS_MAX), node, stamp]);
  const count = entries.length === 1 ? "1 key" : `${entries.length} keys`;
  return `${style.table(["key", "value", "written at", "stamp"], cells)}${count}\n`;
}

export function writtenText({ node, key, stamp }: GossipWritten, what: "written" | "deleted"): string {
  if (stamp === undefined) return `${key} was not there, at ${node}\n`;
  return `${key} is ${what} at ${node}  ${printable(stamp)}\n`;
}

/** The evidence; the node has put those that stand against it first. */
export function convergedText({ node, converged, hash, keys, members }: GossipConverged, style: Style): string {
  const against = members.filter(({ agrees }) => !agrees).length;
  const word = converged ? style.paint("green", "converged") : style.paint("red", "not converged");
  const others =
    members.length === 0
      ? "it knows no other member"
      : converged
        ? `all ${members.length} others have the same`
        : `${against} of ${members.length} others ${against === 1 ? "stands" : "stand"} against it`;
  const line = `${word}  ${keys} ${keys === 1 ? "key" : "keys"}  ${printable(hash)}  as ${node} sees it: ${others}\n`;
  if (members.length === 0) return line;
  const cells = members.map(({ node: member, hash: said, ageMs, agrees }) => [
    member,
    { colour: agrees ? ("green" as const) : ("red" as const), word: agrees ? "agrees" : objection(said, hash) },
    said ?? "–",
    ageMs === undefined ? "–" : `${milliseconds(ageMs)} ago`,
  ]);
  return `${line}${style.table(["member", "says", "hash", "said"], cells)}`;
}

function objection(said: string | undefined, hash: string): string {
  if (said === undefined) return "nothing yet";
  return said === hash ? "the same, too long ago" : "something else";
}
