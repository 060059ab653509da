/** What tests of pages elsewhere need: reading their blocks, and doing what they say. */
export { type Fence, fencesOf } from "./markdown.ts";
export { jsonFaults, textFaults } from "./output-shape.ts";
export { type PageReport, runPage, type Surroundings } from "./page-runner.ts";
export { type FileStep, type PageStep, type RunStep, stepsOfPage } from "./page-steps.ts";
