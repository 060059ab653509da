/** For processes that carry agents. */
export { type ConnectAgentsOptions, connectAgents } from "./connect.ts";
export { type Agent, type AgentConnection, connectionDefaults, createConnection } from "./connection.ts";
export type { AgentOptions, ConnectionDeps, ConnectionOptions, Handler, OperationContext } from "./types.ts";
