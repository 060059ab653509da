/** Bus and store within one process. */
export { createMemoryBroker, type MemoryBroker, type MemoryBus } from "./memory-bus.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { subjectMatches } from "./subject-match.ts";
