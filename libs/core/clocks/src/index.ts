export {
  type CausalToken,
  Dependencies,
  decodeToken,
  emptyToken,
  encodeToken,
  type PendingDot,
  tokenLimits,
  withoutAnswered,
} from "./causal-token.ts";
export {
  CausalDelivery,
  type DeliveryOptions,
  deliveryDefaults,
  type Effect,
  type GapReason,
  type Step,
  type Verdict,
} from "./delivery.ts";
export {
  type Dot,
  type DotRange,
  dotLimits,
  isDot,
  isScope,
  isSeq,
  isSession,
  type Scope,
  scopeOfAll,
  scopeOfTargeted,
} from "./dot.ts";
export {
  compareHlc,
  decodeHlc,
  encodeHlc,
  Hlc,
  type HlcOptions,
  type HlcStamp,
  hlcDefaults,
  hlcLimits,
  isHlcStamp,
  type Observed,
} from "./hlc.ts";
export { Lanes } from "./lanes.ts";
export { type Answer, CausalLedger, type LedgerOptions, ledgerDefaults, type Numbered, type Recipient } from "./ledger.ts";
export type { CausalMessage, Missing } from "./stream.ts";
export { type Causality, clockLimits, lineOf, VectorClock } from "./vector-clock.ts";
