/** A link passes everything until it is cut; then nothing, at once or after an answer; and it is whole again when healed. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { waitUntil } from "@nexus/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CuttableLink } from "../src/processes/cuttable-link.ts";

let server: Server;
let link: CuttableLink;
let heard = "";
const accepted: Socket[] = [];
beforeEach(async () => {
  heard = "";
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {}).setEncoding("utf8");
    socket.on("data", (text: string) => {
      heard += text;
      socket.write(text.toUpperCase());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  link = await CuttableLink.start((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await link.stop();
  for (const socket of accepted.splice(0)) socket.destroy();
  server.close();
});

async function open() {
  const socket = connect({ host: "127.0.0.1", port: link.port });
  let said = "";
  let isClosed = false;
  socket
    .on("error", () => {})
    .on("close", () => {
      isClosed = true;
    });
  socket.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(socket, "connect");
  return { socket, said: () => said, isClosed: () => isClosed };
}
/** Asked and answered: what was sent before has been passed on. */
async function echoes(client: Awaited<ReturnType<typeof open>>, text: string): Promise<void> {
  client.socket.write(text);
  await waitUntil(() => client.said().endsWith(text.toUpperCase()), { what: `${text} comes back` });
}

test("closed: connections end, and new ones with them, until it is healed", async () => {
  const client = await open();
  await echoes(client, "one");
  link.cut("closed");
  await waitUntil(client.isClosed, { what: "the connection ends" });
  await waitUntil((await open()).isClosed, { what: "a new one ends" });
  link.heal();
  await echoes(await open(), "two");
  expect(heard).toBe("onetwo");
});

test("silent: connections stay, nothing passes, and what was held back comes when it is healed", async () => {
  const [cutOff, before] = [await open(), await open()];
  await echoes(cutOff, "one");
  await echoes(before, "two");
  link.cut("silent");
  cutOff.socket.write("three");
  const later = await open();
  later.socket.write("four");
  const direct = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  direct.write("five"); // the server hears others meanwhile
  await waitUntil(() => heard.includes("five"), { what: "the server hears who comes without the link" });
  direct.destroy();
  expect([heard, cutOff.said(), later.said()]).toEqual(["onetwofive", "ONE", ""]);
  link.heal();
  await waitUntil(() => cutOff.said() === "ONETHREE" && later.said() === "FOUR", { what: "what was held back" });
});

test("after a marker: what has it passes, what comes after it does not", async () => {
  const client = await open();
  const cut = link.cutAfter("last", "closed");
  await echoes(client, "first");
  client.socket.write("the last");
  expect(await cut).toBeLessThanOrEqual(performance.now());
  client.socket.write("too late");
  await waitUntil(client.isClosed, { what: "the connection ends" });
  await waitUntil(() => heard.includes("last"), { what: "the marked one arrives" });
  expect(heard).toBe("firstthe last");
});
