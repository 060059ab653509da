import { limits } from "@nexus/contracts";
import { heartbeatOf, replyTo } from "../puppet.ts";
import { type FrameCase, helloAtLimits } from "./frames.ts";

/** Frames that are exactly at a bound, and must be understood: what is one above them is dropped for that alone. */

export type AcceptedFrame = Pick<FrameCase, "name" | "kind" | "send"> & { readonly limit: keyof typeof limits };

interface Rows {
  readonly agents: readonly object[];
}
interface Batch {
  readonly answers: readonly { readonly agent: string; readonly answer: { readonly operationId: string } }[];
}
interface Items {
  readonly items: readonly { readonly frame: object }[];
}

const at = (limit: keyof typeof limits, kind: FrameCase["kind"], what: string, send: FrameCase["send"]): AcceptedFrame => ({
  name: `${kind}: ${what}`,
  kind,
  limit,
  send,
});
const more =
  (members: object): FrameCase["send"] =>
  (legal) => ({ body: { ...legal, ...members } });
const message = "m".repeat(limits.messageCharsMax);
const deep: unknown = JSON.parse("[".repeat(limits.answerDepthMax) + "]".repeat(limits.answerDepthMax));

export const acceptedFrames: readonly AcceptedFrame[] = [
  ...(["groupsMax", "operationsMax", "labelsMax", "capacityMax"] as const).map((limit) =>
    at(limit, "hello", `all that ${limit} allows`, more(helloAtLimits)),
  ),
  at("labelValueCharsMax", "hello", "the longest label", more({ labels: { zone: "v".repeat(limits.labelValueCharsMax) } })),
  at("nameCharsMax", "hello", "the longest boot", more({ boot: "b".repeat(limits.nameCharsMax) })),
  at(
    "capacityMax",
    "heartbeat",
    "as much in flight and waiting as may be",
    more({ inFlight: limits.capacityMax, queueDepth: limits.capacityMax }),
  ),
  at("timeoutMsMax", "heartbeat", "the longest service time", more({ serviceTimeMs: limits.timeoutMsMax })),
  at("connectionAgentsMax", "connection's heartbeat", "as many agents as may be", (legal) => {
    const { process: _process, v: _v, ...row } = heartbeatOf() as { process: object; v: number };
    const others = Array.from({ length: limits.connectionAgentsMax - 1 }, (_, index) => ({ agent: `n${index}`, ...row }));
    return { body: { ...legal, agents: [...(legal as Rows).agents, ...others] } };
  }),
  at("messageCharsMax", "reply", "the longest progress message", more({ kind: "progress", message })),
  at("timeoutMsMax", "reply", "the longest service time", more({ serviceTimeMs: limits.timeoutMsMax })),
  at("answerDepthMax", "connection's replies", "the deepest answer, of an operation that nobody waits for", (legal) => ({
    body: {
      ...legal,
      answers: (legal as Batch).answers.map(({ agent }) => ({
        agent,
        answer: replyTo({ operationId: "01ARZ3NDEKTSV4RRFFQ69G5FZZ/0" }, { value: deep }),
      })),
    },
  })),
  at("replyBatchMax", "connection's replies", "as many answers as may be", (legal) => {
    const [first] = (legal as Batch).answers;
    return { body: { ...legal, answers: new Array(limits.replyBatchMax).fill(first) } };
  }),
  at("replyBatchMax", "batch for a connection", "as many items as may be", (legal) => {
    const [first] = (legal as Items).items;
    return { body: { ...legal, items: new Array(limits.replyBatchMax).fill(first) } };
  }),
  at("connectionAgentsMax", "batch for a connection", "as many agents as may be", (legal) => ({
    body: {
      ...legal,
      items: (legal as Items).items.map(({ frame }) => ({ to: new Array(limits.connectionAgentsMax).fill("solo"), frame })),
    },
  })),
  at(
    "causalMissingMax",
    "reply",
    "as many missing operations as may be",
    more({ causalMissing: new Array(limits.causalMissingMax).fill({ session: "r", scope: "", from: 1, to: 1, cause: true }) }),
  ),
  at(
    "causalSeqMax",
    "operation for an agent",
    "the highest count",
    more({ causal: { scope: "alone", seq: limits.causalSeqMax, before: 0 } }),
  ),
  at(
    "causalAfterMax",
    "operation for an agent",
    "as many dependencies as may be, all of a scope that it is not in",
    more({
      causal: {
        ...{ scope: "", seq: 1, before: 0 },
        after: new Array(limits.causalAfterMax).fill({ session: "r", scope: "elsewhere", seq: 1 }),
      },
    }),
  ),
  at("causalSeqMax", "causal question", "all that a scope can ever have", more({ to: limits.causalSeqMax })),
  at("timeoutMsMax", "operation for an agent", "the longest time", more({ remainingMs: limits.timeoutMsMax })),
];
