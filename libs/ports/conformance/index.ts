/** Suites that an adapter runs in its own tests, to show that it keeps what the port promises. */
export { busConformance } from "./bus.ts";
export { type BusFixture, bytes, codeOf, text } from "./bus-fixture.ts";
export { type StateStoreFixture, stateStoreConformance } from "./state-store.ts";
export { until } from "./waiting.ts";
