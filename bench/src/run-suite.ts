import { createRandom } from "@nexus/testing";
import type { Options } from "./arguments.ts";
import { describeMachine } from "./machine.ts";
import { measureAll } from "./measure.ts";
import { type RoleProcess, roleProgram, startRole } from "./processes/role-process.ts";
import { type Report, reportOf } from "./report/report.ts";
import { quickPhases, scheduleOf } from "./schedule.ts";
import type { RunningSuite, Suite } from "./suite.ts";

/**
 * Starts a suite and its load generator, measures every slot, stops everything.
 * @throws Error where a role did not start or ended, or the signal was aborted; nothing is left running
 */
export async function runSuite(
  suite: Suite,
  options: Options,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const machine = describeMachine();
  const takenAt = new Date().toISOString();
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const random = createRandom(seed);
  const basis = options.quick ? quickPhases : suite.phases;
  const phases = { ...basis, rounds: options.rounds ?? basis.rounds };
  const loads = suite.loads.filter(({ name }) => options.loads?.includes(name) ?? true);
  const names = suite.candidates.map(({ name }) => name);
  const slots = scheduleOf(
    phases.rounds,
    loads.map(({ name }) => name),
    names,
    random,
  );
  progress(
    `suite ${suite.name}, seed ${seed}, about ${Math.ceil(secondsOf(slots.length, loads.length * names.length, phases))} s`,
  );

  let running: RunningSuite | undefined;
  let generator: RoleProcess | undefined;
  try {
    running = await suite.start({ profileDir: options.profile, progress });
    generator = await startRole({ name: "load-generator", program: roleProgram("load-generator") });
    signal.throwIfAborted();
    const results = await unlessAborted(signal, measureAll(slots, loads, phases, { running, generator, progress }));
    const { quick, profile } = options;
    const facts = { suite, loads, takenAt, machine, versions: running.versions, seed, quick, profiled: profile !== undefined };
    return reportOf(
      { ...facts, phases, roles: [...running.roles, generator].map(({ name, pid }) => ({ name, pid })) },
      results,
      random,
    );
  } finally {
    await generator?.stop();
    await running?.stop();
  }
}

function secondsOf(slots: number, warmUps: number, phases: { warmUpMs: number; leadInMs: number; measureMs: number }): number {
  const { warmUpMs, leadInMs, measureMs } = phases;
  return (slots * leadInMs + warmUps * warmUpMs + (slots - warmUps) * measureMs) / 1_000;
}

/** What is under way then fails by itself, as its processes end. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
