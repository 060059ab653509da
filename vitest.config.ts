import { defineConfig } from "vitest/config";

/** Suites that start real servers or processes get a deadline of their own; everything else is quick. */
export default defineConfig({
  test: {
    include: ["{libs,services,examples,infra,bench,sim,chaos,test}/**/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
