import type { HarmlessCase, RefusedCase } from "./case.ts";
import { answerFrames, operationFrames } from "./cases/answer-frames.ts";
import { causalTokenCases } from "./cases/causal-tokens.ts";
import { envelopeCases, envelopeHarmless } from "./cases/envelopes.ts";
import { mismatchCases, strayCases, typeCases, unknownFieldCases } from "./cases/fields.ts";
import { commonFrames, type FrameCase, registrationFrames, speakerFrames } from "./cases/frames.ts";
import { type AcceptedFrame, acceptedFrames } from "./cases/frames-at-limits.ts";
import { idCases, requestIdCases, tokenCases } from "./cases/ids.ts";
import { jsonCases, jsonHarmless } from "./cases/json-bodies.ts";
import { limitCases } from "./cases/limits.ts";
import { msgpackCases, msgpackHarmless } from "./cases/msgpack-bodies.ts";
import { boundsCases, notFiniteCases, numberCases } from "./cases/numbers.ts";
import { deadlineCases, deadlineHarmless, nobodyCases, promiseCases, repeatCases, repeatHarmless } from "./cases/times.ts";
import {
  healthCases,
  interestCases,
  ownerCases,
  pageCases,
  putCases,
  queryCases,
  reportCases,
  requestTokenCases,
  verbCases,
} from "./cases/verbs.ts";

/** All tables, by area. */

export const refused: Readonly<Record<string, readonly RefusedCase[]>> = {
  names: idCases,
  "operations, classes, request ids": [...tokenCases, ...requestIdCases],
  "JSON bodies": jsonCases,
  "MessagePack bodies": msgpackCases,
  "content types and headers": envelopeCases,
  "unknown fields": unknownFieldCases,
  "wrong types": typeCases,
  "fields that do not go together": [...strayCases, ...mismatchCases],
  numbers: [...numberCases, ...notFiniteCases, ...boundsCases],
  limits: limitCases,
  "causal tokens": causalTokenCases,
  deadlines: deadlineCases,
  "ids that come again": repeatCases,
  "nobody meant, nothing kept": [...nobodyCases, ...promiseCases],
  "verbs of services": [...verbCases, ...healthCases, ...queryCases, ...interestCases, ...reportCases, ...putCases],
  "requests by their id": [...requestTokenCases, ...pageCases],
  "what routers ask each other": ownerCases,
};

export const harmless: Readonly<Record<string, readonly HarmlessCase[]>> = {
  "JSON bodies": jsonHarmless,
  "MessagePack bodies": msgpackHarmless,
  "content types and headers": envelopeHarmless,
  deadlines: deadlineHarmless,
  "ids that come again": repeatHarmless,
};

export const frames: Readonly<Record<string, readonly FrameCase[]>> = {
  "bodies of frames": commonFrames,
  "who speaks": speakerFrames,
  "hello, heartbeat, bye": registrationFrames,
  "answers, and frames of routers": answerFrames,
  "operations, and announcements": operationFrames,
};

export const accepted: readonly AcceptedFrame[] = acceptedFrames;
