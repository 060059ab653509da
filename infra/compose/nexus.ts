/**
 * What the test takes from the project itself. By path, since the root of the workspace depends on none of its packages;
 * each is the package's public face.
 */
export { startOtel } from "../../libs/adapters/otel/src/index.ts";
export { silentLogger } from "../../libs/ports/src/index.ts";
export { createLifecycle, type Lifecycle } from "../../libs/runtime/src/index.ts";
export { type Client, connectClient, type ResultOf } from "../../libs/sdk/client/src/index.ts";
