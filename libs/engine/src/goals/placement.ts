import type { MissingReason } from "@nexus/contracts";
import { createRoundRobin, type RoundRobinPicker } from "@nexus/core-balancing";
import type { Dispatcher } from "../dispatcher.ts";
import { type AgentEntry, isPresent } from "../table/routing-table.ts";
import { had, type Piece } from "./pieces.ts";

/** Where a piece of work may go now, later, or not at all. Each question looks at every agent at most once. */
export class Placement {
  /** Agents that will not answer any more, with the reason. */
  readonly gone = new Map<string, MissingReason>();
  /** Whether agents are given no more than their capacity. */
  windowed = true;
  readonly #agents: readonly AgentEntry[];
  readonly #operation: string;
  readonly #dispatcher: Pick<Dispatcher, "held">;
  readonly #picker: RoundRobinPicker<AgentEntry>;

  /** @param offset uniform in [0, 1) */
  constructor(agents: readonly AgentEntry[], operation: string, offset: number, dispatcher: Pick<Dispatcher, "held">) {
    this.#agents = agents;
    this.#operation = operation;
    this.#dispatcher = dispatcher;
    this.#picker = createRoundRobin<AgentEntry>(offset);
  }

  /** The agent that gets the piece now. */
  pick(piece: Piece): AgentEntry | undefined {
    if (piece.bound) return piece.agent === undefined || this.gone.has(piece.agent.id) ? undefined : piece.agent;
    return this.#picker.pick(
      this.#agents,
      (agent) => !piece.avoided.has(agent.id) && this.#couldTake(agent) && this.#isRoomAt(agent),
    );
  }

  /** Whether some agent may get the piece, if not now. */
  mayStillGo(piece: Piece): boolean {
    return !piece.bound && this.#agents.some((agent) => !piece.avoided.has(agent.id) && this.#couldTake(agent));
  }

  /** Whether an agent that never had the piece has room for it now. */
  isRoomElsewhere(piece: Piece): boolean {
    return this.#agents.some((agent) => !had(piece, agent.id) && this.#couldTake(agent) && this.#isRoomAt(agent));
  }

  someoneCould(): boolean {
    return this.#agents.some((agent) => this.#couldTake(agent));
  }

  hasRoom(): boolean {
    return this.#agents.some((agent) => this.#couldTake(agent) && this.#isRoomAt(agent));
  }

  #couldTake(agent: AgentEntry): boolean {
    return isPresent(agent) && !this.gone.has(agent.id) && agent.operations.has(this.#operation);
  }

  #isRoomAt(agent: AgentEntry): boolean {
    return !this.windowed || this.#dispatcher.held(agent.id) < agent.capacity;
  }
}
