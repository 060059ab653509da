import { decode, encode, type GoalType } from "@nexus/contracts";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { documentOf, proveHealthy } from "./prove.ts";
import { Puppet } from "./puppet.ts";
import { startWorld, type World } from "./world.ts";

/** A world with puppets in it, for suites of agents that do as they please. After each case every service is well. */

export interface Result {
  readonly status: string;
  readonly agents: { readonly responded: number; readonly extra: number };
  readonly outcome: { readonly rows: { readonly agent: string; readonly value: unknown }[]; readonly [name: string]: unknown };
  readonly [name: string]: unknown;
}

export interface PuppetBench {
  readonly world: World;
  /** They leave after the case. */
  puppets(count: number, more?: object): Promise<Puppet[]>;
  puppet(more?: object): Promise<Puppet>;
  keep(puppet: Puppet): Puppet;
  coordinate(type: GoalType, goal: object, to: readonly Puppet[], more?: object): Promise<Result>;
  status(): Promise<{ lateAnswers: number; held: number; active: number }>;
}

/** To be called at the top of a suite: it registers hooks. */
export function usePuppets(): PuppetBench {
  let world: World | undefined;
  let made = 0;
  const joined: Puppet[] = [];
  const started = (): World => {
    if (world === undefined) throw new Error("the world has not started");
    return world;
  };
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.stop());
  afterEach(async () => {
    for (const puppet of joined.splice(0)) puppet.leave();
    await proveHealthy(started());
    expect(started().log.errors).toEqual([]);
  });
  const keep = (puppet: Puppet): Puppet => {
    joined.push(puppet);
    return puppet;
  };
  const puppet = async (more: object = {}) => keep(await Puppet.join(started(), `p${++made}`, more));
  return {
    get world() {
      return started();
    },
    puppet,
    keep,
    async puppets(count, more) {
      const all = [];
      for (let index = 0; index < count; index++) all.push(await puppet(more));
      return all;
    },
    async coordinate(type, goal, to, more = {}) {
      const body = { goal: { operation: "ask", ...goal }, agents: { ids: to.map(({ id }) => id) }, ...more };
      const answer = await started().wire.request({ subject: `nexus.coordinate.${type}`, data: encode(body) });
      return documentOf(answer) as unknown as Result;
    },
    status: async () => decode((await started().wire.request({ subject: "nexus.router.status" })).data) as never,
  };
}
