import type { Client } from "@nexus/client";
import {
  type CoordinationRequest,
  type CoordinationResult,
  decode,
  errorFromIssues,
  type JsonValue,
  limits,
  NexusError,
  requestSchema,
} from "@nexus/contracts";
import { exitCodeOf } from "@nexus/runtime/exit-codes";
import type { Command } from "commander";
import { targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { eventLine } from "../output/event-line.ts";
import { resultText } from "../output/result-text.ts";
import { createStyle } from "../output/style.ts";
import type { Finish } from "../program.ts";
import { type GlobalOptions, isColoured, withClient } from "../session.ts";
import { numberOption } from "./number-option.ts";

interface CoordinateOptions extends GlobalOptions {
  readonly timeout?: string;
  readonly msgpack?: boolean;
  readonly follow?: boolean;
}

const help = `
The file holds the request as it is published: {"goal": {"type": …, "operation": …}, "agents": …, …}.

Examples:
  nexus coordinate request.json
  nexus coordinate request.json --timeout 30000 --follow
  echo '{"goal":{"type":"gather","operation":"stats"},"agents":{"all":true}}' | nexus coordinate - --json

Exit codes: 0 completed, or partial where the request's "degrade" has "partial"; 1 failed, partial or unavailable;
2 the request has to be corrected (the field is named).`;

export function coordinateCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("coordinate")
    .argument("<file>", 'a request as JSON; "-" is stdin')
    .description("send a coordination request and print what came of it")
    .option("--timeout <ms>", "the request's time, instead of what the file says")
    .option("--msgpack", "encode as MessagePack")
    .option("--follow", "accept mode: show events on stderr until the end")
    .addHelpText("after", help)
    .action(async (file: string, _, command: Command) => {
      const options = command.optsWithGlobals<CoordinateOptions>();
      const request = withTimeout(parseInput(readInput(file, io)), options.timeout);
      const codec = options.msgpack === true ? "msgpack" : "json";
      const style = createStyle(isColoured(options, io));
      await withClient(targetOf(options, io), async (client) => {
        if (request.mode === "accept" && options.follow !== true) {
          const { accepted, events } = await client.accept(request, { codec });
          events.close();
          io.out(options.json === true ? `${JSON.stringify(accepted, null, 2)}\n` : `accepted ${accepted.id}\n`);
          return finish(0);
        }
        const result =
          options.follow === true ? await follow(client, request, codec, io) : await client.coordinate(request, { codec });
        io.out(options.json === true ? `${JSON.stringify(result, null, 2)}\n` : resultText(result, style));
        finish(exitCodeOf(result));
      });
    });
}

async function follow(
  client: Client,
  request: CoordinationRequest,
  codec: "json" | "msgpack",
  io: Io,
): Promise<CoordinationResult> {
  const coordination = await client.accept(request, { codec });
  const reading = (async () => {
    for await (const event of coordination.events) io.err(eventLine(event));
  })();
  const result = await coordination.result();
  coordination.events.close();
  await reading;
  const { missed, dropped } = coordination.events;
  if (missed + dropped > 0) io.err(`${missed + dropped} events were lost on their way\n`);
  return result;
}

function readInput(path: string, io: Io): Uint8Array {
  try {
    return io.readInput(path);
  } catch (error) {
    throw new NexusError("not-found", `cannot read ${path}: ${(error as Error).message}`, { field: "file", cause: error });
  }
}

/** @throws NexusError naming the field that is wrong */
function parseInput(bytes: Uint8Array): CoordinationRequest {
  const value: JsonValue = decode(bytes);
  const parsed = requestSchema.safeParse(value);
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the request");
  return parsed.data;
}

function withTimeout(request: CoordinationRequest, timeout: string | undefined): CoordinationRequest {
  if (timeout === undefined) return request;
  const { deadline: _, ...rest } = request;
  return { ...rest, timeoutMs: numberOption("timeout", timeout, { min: 1, max: limits.timeoutMsMax, of: "milliseconds" }) };
}
