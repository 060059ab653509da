export { type Beginning, IdempotencyWindow, type WindowOptions } from "./idempotency-window.ts";
