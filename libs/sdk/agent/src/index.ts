/** For processes that carry agents. */
export { type ConnectAgentsOptions, type ConnectedAgents, connectAgents } from "./connect.ts";
export { type AgentConnection, connectionDefaults, createConnection } from "./connection.ts";
export type { Agent, AgentOptions, ConnectionDeps, ConnectionOptions, Handler, OperationContext } from "./types.ts";
