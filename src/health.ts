import { performance } from 'node:perf_hooks';
import sql from 'sql-template-tag';
import type { Cache } from './kernel/cache/cache.ts';
import { AppError } from './kernel/errors.ts';
import { type MigrationState, migrationState } from './kernel/migrations.ts';
import type { Kernel, ModuleInstance } from './module.ts';
import type { Health, HealthCheck, HealthSource, Readiness } from './plugins/probes.ts';
import type { Startup } from './startup.ts';

interface Sources {
  kernel: Kernel;
  cache: Cache;
  startup: Startup;
  modules: ReadonlyMap<string, ModuleInstance<unknown>>;
}

const pingLimitMs = 500;

/** Answers the probes: quickly, within limits of its own, and without ever rejecting. */
export function createHealthSource({ kernel, cache, startup, modules }: Sources): HealthSource {
  const dependencies = async () => ({ database: await checkDatabase(kernel), cache: checkCache(cache) });
  return {
    async ready(): Promise<Readiness> {
      const checks = await dependencies();
      const { unready } = startup;
      if (unready)
        return { ok: false, status: 'unavailable', code: unready.code, detail: unready.message, checks };
      if (checks.database.status === 'unavailable') {
        const detail = checks.database.detail ?? 'The database is away.';
        return { ok: false, status: 'unavailable', code: 'dependency.unavailable', detail, checks };
      }
      return { ok: true, status: checks.cache.status, checks };
    },
    async health(): Promise<Health> {
      const checks: Record<string, HealthCheck> = { ...(await dependencies()) };
      checks.migrations = await checkMigrations(kernel);
      checks.process = checkProcess();
      for (const [name, { health }] of modules) if (health) checks[name] = await guarded(health);
      const worst = (['unavailable', 'degraded'] as const).find((status) =>
        Object.values(checks).some((check) => check.status === status),
      );
      return { status: startup.unready ? 'unavailable' : (worst ?? 'ok'), checks };
    },
  };
}

async function checkDatabase({ db }: Kernel): Promise<HealthCheck> {
  const { totalCount, idleCount, waitingCount, options } = db.pool;
  const pool = { max: options.max, open: totalCount, idle: idleCount, waiting: waitingCount };
  const begun = performance.now();
  const answer = await withinLimit(
    db.rows<{ readOnly: string; recovering: boolean }>(
      sql`SELECT current_setting('transaction_read_only') AS read_only, pg_is_in_recovery() AS recovering`,
    ),
  );
  const latencyMs = Math.round((performance.now() - begun) * 10) / 10;
  if (answer instanceof Error)
    return { status: 'unavailable', latencyMs, detail: 'The database does not answer.', pool };
  const [state] = answer;
  if (state?.recovering || state?.readOnly === 'on') {
    return { status: 'unavailable', latencyMs, detail: 'The database is read-only.', pool };
  }
  return { status: 'ok', latencyMs, pool };
}

function checkCache(cache: Cache): HealthCheck {
  const { status, ...detail } = cache.state();
  return { status, ...detail };
}

function checkProcess(): HealthCheck {
  const { rss, heapUsed } = process.memoryUsage();
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  return {
    status: 'ok',
    uptimeS: Math.round(process.uptime()),
    residentMb: mib(rss),
    heapUsedMb: mib(heapUsed),
  };
}

async function checkMigrations({ db }: Kernel): Promise<HealthCheck> {
  const state = await withinLimit<MigrationState>(migrationState(db.pool));
  if (state instanceof Error) return { status: 'unavailable', detail: 'Their state is not known.' };
  const { applied, pending, invalid } = state;
  const current = pending.length === 0 && invalid.length === 0;
  return { status: current ? 'ok' : 'unavailable', applied: applied.length, pending, invalid };
}

const guarded = async (health: NonNullable<ModuleInstance<unknown>['health']>): Promise<HealthCheck> => {
  const answer = await withinLimit(health());
  if (answer instanceof Error) return { status: 'degraded', detail: 'It does not answer.' };
  return { status: answer.status, ...answer.detail };
};

/** The value, or the error that came instead of it within the limit. */
async function withinLimit<T>(work: Promise<T>): Promise<T | Error> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new AppError(503, 'query.timeout', 'No answer in time.')), pingLimitMs);
  });
  const answer = await Promise.race([work.catch((error: Error) => error), late]);
  clearTimeout(timer);
  return answer;
}
