/** HTTP goes to the named place alone, within its time, and holds no more than it may. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { httpGet } from "../src/http-get.ts";
import { traceById } from "../src/traces/fetch-trace.ts";

async function serving<T>(answer: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("it follows nobody elsewhere", async () => {
  const asked: string[] = [];
  const answer: RequestListener = ({ url = "" }, response) => {
    asked.push(url);
    response.writeHead(302, { location: "/elsewhere" }).end();
  };
  await expect(serving(answer, (url) => httpGet(`${url}/here`, 5_000))).rejects.toThrow();
  expect(asked).toEqual(["/here"]);
});

test("who never answers is given up", async () => {
  await expect(
    serving(
      () => {},
      (url) => httpGet(url, 100),
    ),
  ).rejects.toThrow(/timeout/);
});

test("an answer without end is given up", async () => {
  const chunk = Buffer.alloc(1_048_576, " ");
  const answer: RequestListener = (_, response) => {
    const more = () => {
      while (response.write(chunk));
    };
    response.on("drain", more).on("error", () => {});
    more();
  };
  await expect(serving(answer, (url) => traceById(url, "a".repeat(32)))).rejects.toThrow(/more than 67108864 bytes/);
});
