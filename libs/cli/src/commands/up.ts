import type { Command } from "commander";
import type { Io } from "../io.ts";
import type { Finish } from "../program.ts";
import type { GlobalOptions } from "../session.ts";

interface UpOptions extends GlobalOptions {
  readonly once?: string;
  readonly port?: string;
  readonly fleet: boolean;
  readonly traces: boolean;
}

/** The embedded stack, as `npm start` runs it; loaded only when it is asked for. */
export function upCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("up")
    .description("start a nats-server, every service and an example fleet on this machine; Ctrl-C ends it")
    .option("--once <file>", 'run the request in the file ("-": stdin), print its result as JSON, end')
    .option("--port <n>", "where NATS listens (default 4222, or a free port where that is taken; 0: a free port)")
    .option("--no-fleet", "start without the example fleet")
    .option("--no-traces", "do not receive traces, which doubles what the router spends on a request")
    .addHelpText("after", "\nExamples:\n  nexus up\n  nexus up --port 0 --no-fleet\n  nexus up --once request.json")
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<UpOptions>();
      const { runEmbedded } = await import("@nexus/embedded");
      const environment = options.prefix === undefined ? io.environment : { ...io.environment, NEXUS_PREFIX: options.prefix };
      finish(await runEmbedded(embeddedArgs(options), { environment, out: io.out, err: io.err }));
    });
}

export function embeddedArgs(options: Pick<UpOptions, "once" | "port" | "fleet" | "traces" | "json">): string[] {
  return [
    ...(options.once === undefined ? [] : [`--once=${options.once}`]),
    ...(options.port === undefined ? [] : [`--port=${options.port}`]),
    ...(options.fleet ? [] : ["--no-fleet"]),
    ...(options.traces ? [] : ["--no-traces"]),
    ...(options.json === true ? ["--json"] : []),
  ];
}
