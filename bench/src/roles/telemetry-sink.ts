import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ready } from "../processes/parent.ts";

/** An OTLP/HTTP receiver that takes everything and keeps nothing, so that what is measured exports as it would in use. */

const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  ready(() => server.closeAllConnections(), { url: `http://127.0.0.1:${port}` });
});
