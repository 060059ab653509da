import type { Dot, DotRange, PendingDot } from "@nexus/core-clocks";

/** One operation, as the world knows it. */
export interface Operation {
  readonly id: number;
  readonly bytes: number;
}

export type Frame =
  | {
      readonly kind: "operation";
      readonly operation: Operation;
      readonly boot: string;
      readonly dot: Dot;
      readonly before: number;
      readonly after: readonly Dot[];
    }
  | { readonly kind: "answer"; readonly id: number; readonly boot: string; readonly ran: boolean }
  | { readonly kind: "hello"; readonly boot: string; readonly groups: readonly string[] }
  | { readonly kind: "ask"; readonly boot: string; readonly range: DotRange }
  | { readonly kind: "nothing"; readonly boot: string; readonly range: DotRange; readonly lost: boolean };

/** What a client holds after some operations: those, and what is pending of them. */
export interface Line {
  readonly past: ReadonlySet<number>;
  readonly pending: readonly PendingDot[];
}
