import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, it } from "vitest";

/** The command as a process. */

it("ends quietly when nobody reads on", async () => {
  const main = resolve(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, [main, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy(); // long before it has anything to say
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const [code] = await once(child, "close");
  expect(complaint).toBe("");
  expect(code).toBe(141);
});
