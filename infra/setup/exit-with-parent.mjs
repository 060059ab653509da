// @ts-check
/**
 * Loaded before the program (`node --import`), so that it drains when run.mjs is killed, instead of
 * living on as an orphan.
 *
 * NEXUS_SETUP_PID is removed at once: processes that the program starts may inherit the option, and they
 * answer to the program, not to run.mjs.
 */
import { isMainThread } from "node:worker_threads";
import { endWithParent } from "./parent-watch.mjs";

const setupPid = Number(process.env.NEXUS_SETUP_PID);

if (isMainThread && setupPid > 0) {
  delete process.env.NEXUS_SETUP_PID;
  endWithParent(setupPid);
}
