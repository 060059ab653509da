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
