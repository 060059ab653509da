import { encode, type Subjects } from "@nexus/contracts";
import type { Bus, Clock, Logger, Timer } from "@nexus/ports";
import type { Resident } from "./agent.ts";

/** An agent, as far as hellos need it. */
export type Greeting = Pick<Resident, "id" | "hello" | "leaving">;

export interface HelloDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly subjects: Subjects;
}

/** Between two hellos of an agent, however often they are asked for. */
const HELLO_INTERVAL_MS = 1_000;

/**
 * Says hello for agents. One that was asked for within a second of the last is said when that second is over, and not
 * dropped: a router that came in between has not heard the last.
 */
export class Hellos {
  readonly #deps: HelloDeps;
  readonly #states = new WeakMap<Greeting, { lastMs: number; timer: Timer | undefined }>();

  constructor(deps: HelloDeps) {
    this.#deps = deps;
  }

  say(agent: Greeting): void {
    const { bus, clock, subjects, logger } = this.#deps;
    if (agent.leaving || !bus.connected) return; // after a bye it would be taken for a return; reconnecting says it again
    this.#states.get(agent)?.timer?.cancel();
    this.#states.set(agent, { lastMs: clock.monotonicMs(), timer: undefined });
    try {
      bus.publish(subjects.agentHello(agent.id), encode(agent.hello));
    } catch (error) {
      logger.warn({ agent: agent.id, err: error }, "a hello could not be sent");
    }
  }

  onWanted(agent: Greeting): void {
    const { clock } = this.#deps;
    const state = this.#states.get(agent);
    const waitMs = state === undefined ? 0 : state.lastMs + HELLO_INTERVAL_MS - clock.monotonicMs();
    if (state === undefined || waitMs <= 0) return this.say(agent);
    state.timer ??= clock.schedule(waitMs, () => this.say(agent));
  }

  forget(agent: Greeting): void {
    this.#states.get(agent)?.timer?.cancel();
  }
}
