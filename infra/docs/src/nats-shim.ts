import { connectNats } from "@nexus/adapter-nats";

/**
 * Stands for the `nats` command line where pages are tested, since that is not installed everywhere: as much of `request`
 * and `pub` as the pages use.
 */

const words = process.argv.slice(2);
const options: Record<string, string> = {};
const rest: string[] = [];
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  if (word.startsWith("-")) options[word.replace(/^--?/, "")] = words.shift() ?? "";
  else rest.push(word);
}
const { s, server = s, H, header = H, ...unknown } = options;
const [verb, subject = "", body = "", ...further] = rest;
if ((verb !== "request" && verb !== "pub") || further.length > 0 || Object.keys(unknown).length > 0) {
  process.stderr.write(`nats: ${process.argv.slice(2).join(" ")} is not among what the pages use\n`);
  process.exit(2);
}
const servers = server ?? process.env["NATS_URL"] ?? "nats://127.0.0.1:4222";
const bus = await connectNats({ servers, name: "nats-cli" });
const [name, value] = header?.split(/:\s*/, 2) ?? [];
const headers = name === undefined || value === undefined ? {} : { headers: { [name]: value } };
if (verb === "pub") bus.publish(subject, Buffer.from(body), headers);
else {
  const reply = await bus.request(subject, Buffer.from(body), { timeoutMs: 10_000, ...headers });
  process.stdout.write(`${Buffer.from(reply.data).toString()}\n`);
}
await bus.drain();
