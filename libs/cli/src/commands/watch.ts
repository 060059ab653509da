import { type Activity, activityStatusSchema, goalTypeSchema, limits, NexusError } from "@nexus/contracts";
import type { Command } from "commander";
import { Watcher, type WatchFilter } from "../bus/watcher.ts";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { activityHead, activityLine } from "../output/activity-line.ts";
import { printableLine } from "../output/printable.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type Bus, type GlobalOptions, isColoured, withBus } from "../session.ts";
import { numberOption } from "./number-option.ts";

interface WatchOptions extends GlobalOptions {
  readonly type?: string[];
  readonly status?: string[];
  readonly class?: string[];
  readonly count?: string;
}

const COUNT_MAX = 1_000_000_000;

const help = `
Examples:
  nexus watch
  nexus watch --status failed partial refused
  nexus watch --type gather --class gather.search
  nexus watch --status completed --json | jq .durationMs
  nexus watch --count 100 | tee sample.txt

What runs already is shown first. Each router tells at most ${limits.watchEventsPerSecondMax} events a second; what was not told is said on stderr, and
filters make it less. Ctrl-C ends it.`;

/** Every coordination at every router, as it begins and ends. */
export function watchCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("watch")
    .description("coordinations of all routers, as they begin and end")
    .option("--type <type...>", `those of a goal: ${goalTypeSchema.options.join(", ")}`)
    .option("--status <status...>", `those in a status: ${activityStatusSchema.options.join(", ")}`)
    .option("--class <name...>", "those of a goal class, such as gather.search")
    .option("--count <n>", "end after so many")
    .addHelpText("after", help)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<WatchOptions>();
      const filter = filterOf(options);
      const range = { min: 1, max: COUNT_MAX, of: "a whole number" } as const;
      const countMax = options.count === undefined ? Number.POSITIVE_INFINITY : numberOption("count", options.count, range);
      const target = targetOf(options, io);
      await withBus(target, (bus) => watch(bus, target.prefix, filter, { countMax, options, io }));
      finish(0);
    });
}

interface Viewer {
  readonly countMax: number;
  readonly options: WatchOptions;
  readonly io: Io;
}

async function watch(bus: Bus, prefix: string, filter: WatchFilter, { countMax, options, io }: Viewer): Promise<void> {
  const style = createStyle(isColoured(options, io));
  const end = Promise.withResolvers<void>();
  const columns = () => (io.outIsTty ? io.size().columns : Number.POSITIVE_INFINITY);
  let count = 0;
  const onActivity = (activity: Activity, router: string) => {
    if (++count > countMax) return;
    if (options.json === true) io.out(`${JSON.stringify({ router, ...activity })}\n`);
    else io.out(activityLine(activity, router, style, columns()));
    if (count === countMax) end.resolve();
  };
  const onNote = (note: string) => io.err(`${style.paint("yellow", printableLine(`nexus: ${note}`))}\n`);
  const watcher = new Watcher(bus, prefix, filter, { onActivity, onNote });
  const stopStatus = bus.onStatus((status) => {
    if (status === "disconnected") onNote("the connection is lost; waiting for it");
    if (status === "connected") onNote("connected again");
    if (status === "closed") end.resolve();
  });
  const stopInterrupt = io.onInterrupt(end.resolve);
  try {
    if (options.json !== true && io.outIsTty) io.out(activityHead(style, columns()));
    await watcher.start();
    await end.promise;
  } finally {
    stopStatus();
    stopInterrupt();
    await watcher.stop();
  }
}

/** Lists may be given with commas as well. */
function filterOf(options: WatchOptions): WatchFilter {
  const { type, status, class: classes } = options;
  return {
    ...(type === undefined ? {} : { types: list(type).map((value) => oneOf(goalTypeSchema, value, "type")) }),
    ...(status === undefined ? {} : { statuses: list(status).map((value) => oneOf(activityStatusSchema, value, "status")) }),
    ...(classes === undefined ? {} : { classes: bounded(list(classes)) }),
  };
}

function list(values: readonly string[]): string[] {
  return [...new Set(values.flatMap((value) => value.split(",")))].filter((value) => value !== "");
}

function bounded(classes: string[]): string[] {
  if (classes.length <= limits.watchClassesMax) return classes;
  throw new NexusError("invalid-field", `--class takes at most ${limits.watchClassesMax}`, { field: "class" });
}

function oneOf<T extends string>(
  schema: { readonly options: readonly T[]; safeParse(value: unknown): { success: boolean; data?: T | undefined } },
  value: string,
  field: string,
): T {
  const { data } = schema.safeParse(value);
  if (data !== undefined) return data;
  throw new NexusError("invalid-field", `--${field} must be one of ${schema.options.join(", ")}, not "${value.slice(0, 64)}"`, {
    field,
  });
}
