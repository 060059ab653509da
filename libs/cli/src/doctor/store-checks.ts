import { type Examined, failed, type Outcome, ok, STORE_CHECK, skipped, some, warning } from "./check.ts";
import { pingRedis } from "./redis-ping.ts";

/** Redis, as routers see it and as it is seen from here. */

const ANSWER_MS = 3_000;
/** What a router's check says where its store is its own memory. */
const SHARED = "shared";

export async function sharedMemory({ reports = [] }: Examined): Promise<Outcome> {
  const routers = reports.map(({ report }) => report).filter(({ service }) => service === "router");
  const stores = routers.flatMap(({ instance, checks }) => {
    const check = checks[STORE_CHECK];
    return check === undefined ? [] : [{ instance, ...check }];
  });
  if (stores.length === 0) return skipped("no router reports on its store");
  const away = stores.filter(({ ok: isOk }) => !isOk);
  if (away.length > 0) {
    const detail = some(away.map(({ instance, detail: said }) => `at router ${instance}: ${said}`));
    return failed(
      detail,
      "start Redis, or correct REDIS_URL of those routers; until then repeats between routers are best-effort",
    );
  }
  const alone = stores.filter(({ detail }) => detail !== SHARED);
  if (alone.length === 0) return ok(`${stores.length} routers share Redis`);
  const said = `${alone.length} of ${stores.length} routers keep ids and results in their own memory`;
  if (stores.length === 1) return ok(said);
  return warning(said, "set REDIS_URL at every router: without it a repeat at another router is best-effort");
}

export async function redis({ target }: Examined): Promise<Outcome> {
  if (target.redisUrl === undefined) return skipped("not asked: REDIS_URL is not set, nor in the context");
  try {
    return ok(`answers in ${(await pingRedis(target.redisUrl, ANSWER_MS)).toFixed(2)} ms`);
  } catch (error) {
    return failed(error, "start Redis, correct REDIS_URL, or unset it: then each process keeps its own state");
  }
}
