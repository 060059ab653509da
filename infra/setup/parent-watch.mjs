// @ts-check
/**
 * Notices that the parent process is gone without having said so (SIGKILL, a crash).
 */
const PARENT_POLL_MS = 250;

/**
 * Sends SIGTERM to this process once its parent is another one than expected. Does not keep it alive.
 *
 * @param {number} expectedPid
 */
export function endWithParent(expectedPid) {
  const timer = setInterval(() => {
    if (process.ppid === expectedPid) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_POLL_MS);
  timer.unref();
}
