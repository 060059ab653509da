// @ts-check
/**
 * A vitest reporter for what its JSON report leaves out: errors outside of any test, and the reasons
 * given to `ctx.skip(reason)`. Writes one JSON file, named by NEXUS_VITEST_EVIDENCE.
 */
import { writeFileSync } from "node:fs";

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class EvidenceReporter {
  /**
   * @param {ReadonlyArray<import("vitest/node").TestModule>} modules
   * @param {ReadonlyArray<{name?: string, message: string}>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const path = process.env.NEXUS_VITEST_EVIDENCE;
    if (path === undefined) return;
    const skipNotes = [];
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const note = result.state === "skipped" ? result.note : undefined;
        if (note) skipNotes.push({ file: module.moduleId, name: test.fullName.replaceAll(" > ", " "), note });
      }
    }
    /** @type {import("./count-tests.mjs").VitestEvidence} */
    const evidence = {
      unhandledErrors: unhandledErrors.map((error) => `${error.name ?? "Error"}: ${error.message}`),
      skipNotes,
    };
    writeFileSync(path, JSON.stringify(evidence));
  }
}
