import { startNatsServer } from "@nexus/adapter-servers";
import { ready } from "../processes/parent.ts";

/** Holds a private nats-server, so that it ends with the bench even where that is killed. */

const server = await startNatsServer();
ready(() => server.stop(), { url: server.url, pid: String(server.pid) });
