import type { Activity, ActivityStatus } from "@nexus/contracts";
import { clip, printableLine } from "./printable.ts";
import { type Colour, milliseconds, type Style } from "./style.ts";

const colours: Record<ActivityStatus, Colour> = {
  running: "cyan",
  completed: "green",
  partial: "yellow",
  failed: "red",
  refused: "red",
};

const widths = { time: 12, status: 9, type: 9, class: 22, agents: 9, took: 8, id: 26 } as const;

/** @param columns as of `activityLine` */
export function activityHead(style: Style, columns: number): string {
  const names = [
    "time".padEnd(widths.time),
    "status".padEnd(widths.status),
    "goal".padEnd(widths.type),
    "class".padEnd(widths.class),
    "agents".padStart(widths.agents),
    "took".padStart(widths.took),
    "request",
  ];
  return lineOf([["bold", names.join("  ")]], style, columns);
}

/**
 * One line, its columns aligned with those of the others as far as they fit.
 * @param columns of the terminal: what is beyond them is cut off; infinite where nobody minds
 */
export function activityLine(activity: Activity, router: string, style: Style, columns: number): string {
  const { status, error } = activity;
  const facts = [
    activity.type.padEnd(widths.type),
    clip(printableLine(activity.class ?? "–"), widths.class).padEnd(widths.class),
    agentsOf(activity).padStart(widths.agents),
    (activity.durationMs === undefined ? "" : milliseconds(activity.durationMs)).padStart(widths.took),
    // What is refused before it has an id says why in its place.
    ...(activity.id === undefined ? [] : [activity.id]),
  ];
  const how = activity.layer === undefined ? "" : `${activity.layer}/${activity.strategy ?? "?"} `;
  const told = error === undefined ? `${how}at ${router}` : `${error.code}: ${error.message}`;
  return lineOf(
    [
      [undefined, `${timeOf(activity.atEpochMs).padEnd(widths.time)}  `],
      [colours[status], status.padEnd(widths.status)],
      [undefined, `  ${facts.join("  ")}  `],
      [error === undefined ? "gray" : "red", printableLine(told)],
    ],
    style,
    columns,
  );
}

function lineOf(parts: readonly (readonly [Colour | undefined, string])[], style: Style, columns: number): string {
  let room = columns;
  const shown = parts.map(([colour, text]) => {
    const fitting = clip(text, room);
    room -= fitting.length;
    return colour === undefined || fitting === "" ? fitting : style.paint(colour, fitting);
  });
  return `${shown.join("").trimEnd()}\n`;
}

function agentsOf({ status, targeted, responded }: Activity): string {
  if (targeted === undefined) return "";
  return status === "running" ? `0/${targeted}` : `${responded ?? "?"}/${targeted}`;
}

/** The wall clock of whoever reads. */
function timeOf(epochMs: number): string {
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return "–";
  const part = (value: number, digits = 2) => String(value).padStart(digits, "0");
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`;
}
