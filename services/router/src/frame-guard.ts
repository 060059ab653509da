import { attributes, NexusError } from "@nexus/contracts";
import type { BusMessage, Clock, Logger, Telemetry } from "@nexus/ports";
import { createLogLimit, type LogLimit } from "@nexus/runtime";

/**
 * For frames, which have no reply: one that is not understood or not allowed is dropped, counted and, within a limit,
 * logged; it takes nothing down. A defect of ours goes on to the bus, which tells its `onError`.
 */
export class FrameGuard {
  readonly #logger: Logger;
  readonly #telemetry: Telemetry;
  readonly #limit: LogLimit;
  #dropped = 0;

  constructor(deps: { readonly clock: Clock; readonly logger: Logger; readonly telemetry: Telemetry }) {
    this.#logger = deps.logger;
    this.#telemetry = deps.telemetry;
    this.#limit = createLogLimit(deps.clock);
  }

  /** Frames dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  run(message: BusMessage, take: (message: BusMessage) => void): void {
    try {
      take(message);
    } catch (error) {
      if (!(error instanceof NexusError) || error.family === "defect") throw error;
      this.drop(message, error);
    }
  }

  drop(message: BusMessage, error: NexusError): void {
    this.#dropped++;
    this.#telemetry.count("framesDropped", 1, { [attributes.reason]: error.code });
    this.#limit((omitted) => {
      this.#logger.warn({ subject: message.subject.slice(0, 256), err: error, omitted }, "frame dropped");
    });
  }
}
