import { memberStates } from "@nexus/contracts";
import { type ServiceProcess, startServiceProcess } from "../processes/service-process.ts";

export type MemberState = (typeof memberStates)[number];

/** A process of the gossip service, and the others as its own log tells that it holds them. */
export interface GossipNode {
  readonly id: string;
  readonly process: ServiceProcess;
  readonly view: ReadonlyMap<string, MemberState>;
  /** When it said that it takes questions, by this process's clock. */
  readonly readyMs: number;
}

export interface Change {
  readonly observer: string;
  readonly member: string;
  readonly state: MemberState;
  /** When it was heard here. */
  readonly atMs: number;
}

const PROGRAM = "services/gossip/src/main.ts";
const START_TIMEOUT_MS = 30_000;

/** @param onChange told each time that this node comes to hold another one for something else */
export async function startGossipNode(url: string, onChange: (change: Change) => void): Promise<GossipNode> {
  const view = new Map<string, MemberState>();
  const ready = Promise.withResolvers<{ id: string; readyMs: number }>();
  let id = "";
  const process = startServiceProcess({
    program: PROGRAM,
    env: { NEXUS_NATS_URL: url },
    onLine({ msg, node, member, to }) {
      if (typeof node === "string") id = node;
      if (msg === "a member changed" && typeof member === "string") {
        const state = memberStates.find((name) => name === to);
        if (state === undefined) return;
        view.set(member, state);
        onChange({ observer: id, member, state, atMs: performance.now() });
      } else if (msg === "ready") ready.resolve({ id, readyMs: performance.now() });
    },
  });
  const late = setTimeout(() => ready.reject(new Error("a node did not start in time")), START_TIMEOUT_MS);
  void process.gone.then(() => ready.reject(new Error(`a node ${process.died() ?? "ended"}`)));
  try {
    return { ...(await ready.promise), process, view };
  } catch (error) {
    await process.end("SIGKILL");
    throw new Error(`${(error as Error).message}\n${process.logTail()}`);
  } finally {
    clearTimeout(late);
  }
}
