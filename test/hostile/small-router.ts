import { encode, type JsonValue } from "@nexus/contracts";
import type { Router } from "@nexus/router";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { documentOf, proveHealthy } from "./prove.ts";
import { handlers, startWorld, until, type World } from "./world.ts";

/** A router with small bounds under the prefix `small`, with an honest agent that is served after each case. */

export const bounds = { agentsMax: 50, activeMax: 4, requestsMax: 20 };
export const FLOOD = 10_000;

export type Document = Readonly<Record<string, JsonValue | undefined>>;

export interface SmallRouter {
  readonly world: World;
  readonly router: Router;
  ask(subject: string, body?: object): Promise<Document>;
  proveServed(): Promise<void>;
}

/** A request to the honest agent. */
export const request = (operation: string, more: object = {}): object => ({
  goal: { operation },
  agents: { group: "honest" },
  ...more,
});

export const ulid = (end: string): string => `01ARZ3NDEKTSV4RRFFQ69G8${end}`;

export function codeOf(document: Document): string {
  return ((document["error"] ?? {}) as { code?: string }).code ?? String(document["status"]);
}

/** To be called at the top of a suite: it registers hooks. */
export function useSmallRouter(): SmallRouter {
  let started: { readonly world: World; readonly router: Router } | undefined;
  const both = () => {
    if (started === undefined) throw new Error("the world has not started");
    return started;
  };
  const ask = async (subject: string, body: object = {}) =>
    documentOf(await both().world.wire.request({ subject: `small.${subject}`, data: encode(body) }));
  const proveServed = async () => {
    expect(await ask("coordinate.gather", request("number"))).toMatchObject({ status: "completed", executed: "all" });
    await proveHealthy(both().world);
  };
  beforeAll(async () => {
    const world = await startWorld();
    const router = await world.addRouter("small", bounds);
    started = { world, router };
    await world.addAgents("small", [{ id: "keeper", groups: ["honest"], capacity: 100, handlers }]);
    await until("its agent is known", () => router.agentsKnown() === 1);
  });
  afterAll(() => started?.world.stop());
  afterEach(async () => {
    await proveServed();
    expect(both().world.log.errors).toEqual([]);
  });
  return {
    get world() {
      return both().world;
    },
    get router() {
      return both().router;
    },
    ask,
    proveServed,
  };
}
