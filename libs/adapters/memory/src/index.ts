/** The bus and the state store in the process's own memory. */
export { createMemoryBroker, type MemoryBroker, type MemoryBrokerOptions, type MemoryConnectOptions } from "./broker.ts";
export { createMemoryStore, type MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
