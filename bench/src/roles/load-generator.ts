import { runClosedLoop } from "../load/closed-loop.ts";
import { connectDriver } from "../load/drivers.ts";
import type { LoadReport, Window } from "../load/load-report.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import { pace } from "../load/pacer.ts";
import { serveParent } from "../processes/parent.ts";
import type { DriverSettings, Load } from "../suite.ts";

/** The process that makes the load: one phase at a time, as its parent asks. */

export interface PhaseOrder {
  readonly driver: DriverSettings;
  readonly load: Load;
  readonly window: Window;
}

const nowMs = (): number => performance.now();

serveParent<PhaseOrder, LoadReport>(async ({ driver: settings, load, window }, tell) => {
  const driver = await connectDriver(settings);
  const marks = [
    setTimeout(() => tell("begin"), window.leadInMs),
    setTimeout(() => tell("end"), window.leadInMs + window.measureMs),
  ];
  try {
    const send = () => driver.send();
    return load.kind === "in-flight"
      ? await runClosedLoop(send, load, window, nowMs)
      : await runOpenLoop(send, load, window, { nowMs, pace });
  } finally {
    for (const mark of marks) clearTimeout(mark);
    await driver.close();
  }
});
