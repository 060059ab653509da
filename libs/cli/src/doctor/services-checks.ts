import { agentsReportPageSchema, createSubjects, encode, parseFrame, serviceNames } from "@nexus/contracts";
import { askOnce } from "../bus/ask-once.ts";
import { heardReports } from "../bus/reports.ts";
import { connected, type Examined, failed, type Outcome, ok, STORE_CHECK, skipped, some, warning } from "./check.ts";
import { findServices, servicesFinding } from "./services.ts";

/** Who is there on the bus, and whether each is well. */

const ANSWER_MS = 3_000;

export async function router(examined: Examined): Promise<Outcome> {
  const { prefix } = examined.target;
  const subject = createSubjects(prefix).service("router", "agents");
  try {
    const answer = await askOnce(connected(examined), subject, encode({ limit: 1 }), ANSWER_MS);
    const page = parseFrame(agentsReportPageSchema, answer, "the router's answer");
    return ok(`${page.router} answers on ${subject}`);
  } catch (error) {
    return failed(
      error,
      `start a router (nexus up, or the router service), and check that "${prefix}" is the routers' own --prefix`,
    );
  }
}

export async function services(examined: Examined): Promise<Outcome> {
  const bus = connected(examined);
  const { prefix } = examined.target;
  try {
    const found = await findServices(bus);
    examined.instances = found.filter((instance) => instance.prefix === undefined || instance.prefix === prefix);
    examined.reports = await heardReports(bus, prefix);
    return servicesFinding(examined.instances, serviceNames, examined.required);
  } catch (error) {
    return failed(error, "allow this user to publish to $SRV.INFO and to the reports' subject");
  }
}

export async function health({ instances = [], reports = [] }: Examined): Promise<Outcome> {
  const named = reports.map(({ report }) => ({ name: `${report.service} ${report.instance}`, report }));
  const reporting = new Set(reports.map(({ report }) => report.instance));
  const silent = instances.filter(({ instance }) => instance !== undefined && !reporting.has(instance));
  const troubles = named.flatMap(({ name, report }) =>
    Object.entries(report.checks)
      .filter(([check, { ok: isOk }]) => !isOk && check !== STORE_CHECK)
      .map(([check, { detail }]) => `${name}: ${check} ${detail}`),
  );
  const unready = named.filter(({ report }) => report.status === "unready");
  if (unready.length > 0) {
    return failed(some(troubles), `look at the logs of ${some(unready.map(({ name }) => name))}; requests are not sent to them`);
  }
  if (troubles.length > 0) return warning(some(troubles), "look at their logs");
  if (silent.length > 0) {
    const names = silent.map(({ name, version, instance }) => `${name} ${version} ${instance}`);
    return warning(`no report from ${some(names)}`, "they are of an older release, or stuck: update or restart them");
  }
  if (reports.length === 0) return skipped("no instance reports");
  return ok(`${reports.length} instances report; all are ready`);
}
