/** The state store over Redis; the only place that imports the client library. */
export { connectRedis, type RedisStoreOptions } from "./redis-store.ts";
