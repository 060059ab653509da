/** A private redis-server as a child process. */
export { ServerStartError } from "./child-process.ts";
export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";
