import type { GoalType, ReplyFrame } from "@nexus/contracts";
import { nextTurn } from "@nexus/testing";
import { createFleet, type FleetOptions, type Heard, silent } from "./scripted-fleet.ts";

/** A fleet whose agents answer when the test says so; time stands still except where the test moves it. */

export type Asked = Heard;

export function bench(
  agents: Readonly<Record<string, { readonly capacity: number; readonly operations?: string[] }>>,
  options: FleetOptions = {},
) {
  const members = Object.entries(agents).map(([id, { capacity, operations = ["work"] }]) => [
    id,
    { capacity, operations, boot: `boot-${id}`, script: silent },
  ]);
  const fleet = createFleet(Object.fromEntries(members), options);
  return {
    ...fleet,
    asked: fleet.heard,
    /** Until all that was published has arrived, and promises that it settled have told whoever waits. */
    settle: nextTurn,
    start(type: GoalType, body: object) {
      const id = fleet.ids.requestId();
      return { id, ...fleet.start(type, body, id) };
    },
    /** @returns whether somebody waited for the answer */
    answer({ agent, frame }: Asked, more: Partial<ReplyFrame> = {}): boolean {
      const { operationId, payload } = frame;
      const value = payload === undefined ? {} : { value: payload };
      const reply = { v: 1, kind: "reply", operationId, status: "ok", inFlight: 0, queueDepth: 0, ...value, ...more } as const;
      return fleet.dispatcher.answered(agent, reply);
    },
    async move(ms: number) {
      fleet.clock.advance(ms);
      await nextTurn();
    },
  };
}
