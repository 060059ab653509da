// @ts-check
/**
 * The healthcheck of every container of this image: asks the process's own `GET /readyz`, with nothing but Node.
 * Exit code 0 when the process can do its work, 1 otherwise; the answer is printed, and `docker inspect` shows it.
 */
import { get } from "node:http";

const ANSWER_MS_MAX = 3_000;

const port = Number(process.env.NEXUS_HEALTH_PORT);
if (!(port > 0)) {
  console.error("NEXUS_HEALTH_PORT is not set, so nobody can be asked");
  process.exit(1);
}
const request = get({ host: "127.0.0.1", port, path: "/readyz", timeout: ANSWER_MS_MAX }, (response) => {
  process.exitCode = response.statusCode === 200 ? 0 : 1;
  response.pipe(process.stdout);
});
request.on("timeout", () => request.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
request.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
