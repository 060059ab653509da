import type { Bus } from "../session.ts";

/** Waits until listeners of errors have been told what the server refused of all that was sent before. */
export async function heardRefusals(bus: Bus): Promise<void> {
  await bus.flush();
  await bus.flush(); // a refusal comes before the second answer
  await new Promise((resolve) => setImmediate(resolve));
}
