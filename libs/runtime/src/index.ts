export { type ServeDeps, serveService } from "./nats-service.ts";
