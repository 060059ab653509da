/** What members say to each other. JSON-safe; `readSwimFrame` is the way in, and ignores fields that it does not know. */

export type MemberState = "alive" | "suspect" | "dead" | "left";

/** A small record that a member says of itself: its service, its version. Nothing here looks into it. */
export type Meta = Readonly<Record<string, string>>;

/** What is held of one member. */
export interface Update {
  readonly id: string;
  readonly incarnation: number;
  readonly state: MemberState;
  readonly meta: Meta;
  /** With `suspect`: members whose own probes failed. */
  readonly by?: readonly string[];
  /** With `dead` and `left`: for how long it has been that, so that it is forgotten everywhere at about the same time. */
  readonly ageMs?: number;
}

interface Heading {
  readonly v: 1;
  readonly from: string;
  readonly to: string;
  /** Of the sender, as its `meta`: each frame says that its sender is alive. */
  readonly incarnation: number;
  readonly meta: Meta;
  readonly updates: readonly Update[];
}

/** What a frame wants beyond the news that each carries. */
export type FrameBody =
  | { readonly kind: "ping"; readonly seq: number }
  /** Asks for a ping of `target`; the answer is an ack if it answers, a nack if it does not in time. Both with this `seq`. */
  | { readonly kind: "ping-req"; readonly seq: number; readonly target: string }
  | { readonly kind: "ack"; readonly seq: number }
  | { readonly kind: "nack"; readonly seq: number }
  /** Updates alone: a push of what is new, or a piece of the whole list. */
  | { readonly kind: "news" }
  /** Asks for the whole list, unless it has this digest; `back`: ask the same in turn. */
  | { readonly kind: "sync"; readonly digest: number; readonly back: boolean };

export type SwimFrame = Heading & FrameBody;

export const swimLimits = {
  /** So that a refutation, one above, is still exact. */
  incarnationMax: 2 ** 52,
  seqMax: 2 ** 32 - 1,
  updatesMax: 256,
  accusersMax: 8,
  metaKeysMax: 8,
  metaTextMax: 64,
} as const;
