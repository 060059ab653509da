/** The client: sends coordination requests and gets their results, events and pages. */
export { clientDefaults, createClient } from "./client.ts";
export { type ConnectOptions, connectClient } from "./connect.ts";
export type {
  AcceptedCoordination,
  CallOptions,
  Client,
  ClientDeps,
  ClientOptions,
  GetOptions,
  RequestEvents,
  RequestOf,
  ResultOf,
  SendOptions,
} from "./types.ts";
