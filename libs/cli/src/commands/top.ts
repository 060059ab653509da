import type { Client } from "@nexus/client";
import { NexusError } from "@nexus/contracts";
import { type Command, Option } from "commander";
import { type FleetSample, routerPaces, sampleFleet } from "../bus/fleet-sample.ts";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { errorLine } from "../output/error-line.ts";
import { createStyle } from "../output/style.ts";
import { type AgentOrder, agentOrders, linesBesideAgents, ordered, topText } from "../output/top-text.ts";
import type { Finish } from "../program.ts";
import { type Bus, type GlobalOptions, isColoured, withClient } from "../session.ts";
import { numberOption } from "./number-option.ts";

interface TopOptions extends GlobalOptions {
  readonly interval: string;
  readonly sort: AgentOrder;
  readonly limit?: string;
  readonly once?: boolean;
}

const help = `
Examples:
  nexus top
  nexus top --sort cpu --interval 5
  nexus top --once --limit 10
  nexus top --json | jq '.agents[] | select(.load.queueDepth > 0) | .agent'

At a terminal it is drawn again until Ctrl-C; elsewhere, with --once and with --json it is told once, after one interval, which
the rates are taken over. Loads are the agents' own, as of their last heartbeat.`;

/** Who works on what now: routers with their pace, agents with their load. */
export function topCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("top")
    .description("routers and agents live: what they hold, their queues, service times, processors and pace")
    .option("--interval <s>", "seconds between two looks", "2")
    .addOption(new Option("--sort <by>", "what is most is first").choices(agentOrders).default("load"))
    .option("--limit <n>", "agents to show; at a terminal as many as fit")
    .option("--once", "tell it once, at a terminal too")
    .addHelpText("after", help)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<TopOptions>();
      const intervalMs = numberOption("interval", options.interval, { min: 0.1, max: 3_600, of: "seconds" }) * 1_000;
      const target = targetOf(options, io);
      const live = io.outIsTty && options.once !== true && options.json !== true;
      await withClient(target, async (client, bus) => {
        const look = () => sampleFleet(bus, client, target.prefix);
        if (live) await draw(look, { bus, client, intervalMs, options, io });
        else await tellOnce(look, intervalMs, options, io);
      });
      finish(0);
    });
}

async function tellOnce(look: () => Promise<FleetSample>, intervalMs: number, options: TopOptions, io: Io): Promise<void> {
  const before = await look();
  await pause(intervalMs, io);
  const sample = await look();
  const paces = routerPaces(sample, before);
  const agents = ordered(sample.agents, options.sort).slice(0, limitOf(options) ?? Number.POSITIVE_INFINITY);
  if (options.json === true) {
    const routers = paces.map(({ report, ...pace }) => ({ ...report, ...pace }));
    const services = sample.reports.filter(({ service }) => service !== "router");
    io.out(
      `${JSON.stringify({ routers, services, agents, agentsTotal: sample.agents.length, clipped: sample.clipped }, null, 2)}\n`,
    );
  } else io.out(topText(sample, paces, agents, agents.length, createStyle(isColoured(options, io))));
}

interface Drawing {
  readonly bus: Bus;
  readonly client: Client;
  readonly intervalMs: number;
  readonly options: TopOptions;
  readonly io: Io;
}

/** The terminal's other screen, with the cursor away and long lines cut off; the first one comes back as it was. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

async function draw(look: () => Promise<FleetSample>, { bus, intervalMs, options, io }: Drawing): Promise<void> {
  const style = createStyle(isColoured(options, io));
  let interrupted = false;
  const stopInterrupt = io.onInterrupt(() => {
    interrupted = true;
  });
  let before: FleetSample | undefined;
  io.out(ENTER);
  try {
    while (!interrupted) {
      const { text, sample } = await frame(look, before, options, io, style);
      if (!interrupted) io.out(`${HOME}${text.replaceAll("\n", `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`);
      // The first rates come soon.
      if (!interrupted) await pause(before === undefined ? Math.min(intervalMs, 1_000) : intervalMs, io);
      before = bus.connected ? sample : undefined;
    }
  } finally {
    io.out(LEAVE);
    stopInterrupt();
  }
}

async function frame(
  look: () => Promise<FleetSample>,
  before: FleetSample | undefined,
  options: TopOptions,
  io: Io,
  style: ReturnType<typeof createStyle>,
): Promise<{ text: string; sample: FleetSample | undefined }> {
  try {
    const sample = await look();
    const paces = routerPaces(sample, before);
    const fitting = Math.max(1, io.size().rows - linesBesideAgents(paces) - 1);
    const rowsMax = Math.min(fitting, limitOf(options) ?? fitting);
    return { text: topText(sample, paces, ordered(sample.agents, options.sort), rowsMax, style), sample };
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return { text: `${style.paint("red", errorLine(error).trimEnd())}; trying again\n`, sample: undefined };
  }
}

/** Ends early when it is interrupted. */
function pause(ms: number, io: Io): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    const stop = io.onInterrupt(end);
    function end() {
      clearTimeout(timer);
      stop();
      resolve();
    }
  });
}

function limitOf({ limit }: TopOptions): number | undefined {
  return limit === undefined ? undefined : numberOption("limit", limit, { min: 1, max: 100_000, of: "a whole number" });
}
