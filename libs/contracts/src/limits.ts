/**
 * Every bound of the wire in one place. A frame or request beyond one of them is refused with the field's name;
 * nothing that a peer sends can make a process hold more than these allow.
 */
export const limits = {
  /** Bytes of one request or frame, checked before it is decoded. NATS itself refuses more than its `max_payload`. */
  frameBytesMax: 1_048_576,
  /** Bytes of the headers of one message: trace context and baggage fit many times. */
  headerBytesMax: 16_384,
  /** Nesting of a decoded document; counted on the bytes for JSON, before anything is built. */
  depthMax: 64,
  /** Nesting of an agent's answer: frames, and the result that the client gets, are put around it. */
  answerDepthMax: 56,
  /** Characters of an id, group or label key. */
  nameCharsMax: 63,
  labelValueCharsMax: 256,
  labelsMax: 32,
  groupsMax: 64,
  operationsMax: 256,
  /** Agents named one by one in a request. */
  targetIdsMax: 10_000,
  /** Agents on one connection. */
  connectionAgentsMax: 1_000,
  capacityMax: 100_000,
  piecesMax: 10_000,
  causalOperationsMax: 100,
  weightsMax: 10_000,
  histogramBoundsMax: 256,
  topkMax: 1_000,
  fieldPathCharsMax: 256,
  goalClassCharsMax: 128,
  complexityMax: 1_000_000,
  timeoutMsDefault: 5_000,
  /** One hour: long work of AI agents runs in `accept` mode. */
  timeoutMsMax: 3_600_000,
  /** Rows of an outcome, and missing agents, that travel in the result itself; the rest is fetched by pages. */
  resultRowsMax: 1_000,
  pageRowsMax: 1_000,
  attemptsMax: 16,
  messageCharsMax: 1_024,
  replyBatchMax: 1_000,
  /** How long a watcher's word stands, watchers of one router, and events a second that they get from it. */
  watchLeaseMsMax: 10_000,
  watchersMax: 16,
  watchClassesMax: 16,
  watchEventsPerSecondMax: 200,
  watchRunningMax: 100,
  /** Handler spans of one coordination; further ones are counted, not recorded. */
  handlerSpansMax: 200,
} as const;
