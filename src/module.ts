import type { Logger } from 'pino';
import type { Config } from './config/index.ts';
import type { Cache } from './kernel/cache/cache.ts';
import type { Change } from './kernel/db/changes.ts';
import type { Database } from './kernel/db/database.ts';
import type { ConstraintErrors } from './kernel/db/errors.ts';
import type { PrismaClient } from './kernel/db/prisma.ts';
import type { DriftClass } from './kernel/drift.ts';
import type { CursorCodec } from './kernel/http/cursor.ts';
import type { Series } from './kernel/partitions.ts';
import type { Settings, Values } from './kernel/settings.ts';
import { unrecordedVersions } from './kernel/unrecorded-versions.ts';
import type { Worker } from './kernel/worker.ts';
import type { Metrics } from './plugins/metrics.ts';
import type { App } from './plugins/server/server.ts';

/** What every module is handed; there is no container and no global. */
export interface Kernel {
  config: Config;
  log: Logger;
  /** Shows a text to whoever started the process: what must not stand in a log. */
  announce: (text: string) => void;
  db: Database;
  /** The typed client for cold reads; every write is SQL in `db.write`. */
  prisma: PrismaClient;
  cache: Cache;
  cursors: CursorCodec;
  metrics: Metrics;
}

export type { App } from './plugins/server/server.ts';

export interface ModuleHealth {
  status: 'ok' | 'degraded';
  detail?: Record<string, unknown>;
}

/** A module at work. Everything but `api` is optional. */
export interface ModuleInstance<Api> {
  /** What other modules may call, through their `dependsOn`. */
  api: Api;
  /** Registers the module's routes; runs in a scope of its own. */
  routes?(app: App): void;
  workers?: readonly Worker[];
  /** Committed changes, in commit order of this process; for caches and ports, never for decisions. */
  onChange?(changes: readonly Change[]): void;
  /** Before the first request, after migrations. */
  start?(): Promise<void>;
  health?(): Promise<ModuleHealth>;
}

/** Gives the api of a module that is listed in `dependsOn`. */
export type Use = <Api>(module: ModuleDefinition<Api>) => Api;

export interface ModuleDefinition<Api = unknown> {
  name: string;
  /** Off by configuration; core modules are always on. */
  optional?: boolean;
  dependsOn: readonly ModuleDefinition[];
  settings?: Settings;
  /** What its database constraints mean to a caller. */
  constraints?: ConstraintErrors;
  /** Its tables that are partitioned by time: they are looked after by the kernel. */
  series?(config: Config): readonly Series[];
  /** How its tables can come to disagree with themselves, in the order of repair. */
  drift?(config: Config): readonly DriftClass[];
  create(kernel: Kernel, use: Use): ModuleInstance<Api>;
}

interface Definition<Api, S extends Settings>
  extends Omit<ModuleDefinition<Api>, 'create' | 'settings' | 'series' | 'drift'> {
  settings?: S;
  series?(settings: Values<S>): readonly Series[];
  drift?(settings: Values<S>): readonly DriftClass[];
  create(kernel: Kernel, use: Use, settings: Values<S>): ModuleInstance<Api>;
}

/** Declares a module; `create` gets its own settings, parsed and typed. */
export const defineModule = <Api, const S extends Settings = Record<never, never>>(
  definition: Definition<Api, S>,
): ModuleDefinition<Api> => {
  const settingsIn = ({ modules }: Config) => (modules[definition.name] ?? {}) as Values<S>;
  return {
    ...definition,
    series: (config) => definition.series?.(settingsIn(config)) ?? [],
    drift: (config) => definition.drift?.(settingsIn(config)) ?? [],
    create: (kernel, use) => definition.create(kernel, use, settingsIn(kernel.config)),
  };
};

/** What reconciliation looks for; versions come last, since repairs make some. */
export const driftOf = (modules: readonly ModuleDefinition[], config: Config): DriftClass[] => [
  ...modules.flatMap((module) => module.drift?.(config) ?? []),
  ...unrecordedVersions,
];

/** The time series of all modules. */
export const seriesOf = (modules: readonly ModuleDefinition[], config: Config): Series[] =>
  modules.flatMap((module) => module.series?.(config) ?? []);

/** Creates modules, by name, in the order of the list, which must name dependencies first. */
export function createModules(
  kernel: Kernel,
  modules: readonly ModuleDefinition[],
): ReadonlyMap<string, ModuleInstance<unknown>> {
  const created = new Map<ModuleDefinition, ModuleInstance<unknown>>();
  for (const module of modules) {
    const use: Use = (dependency) => {
      const instance = created.get(dependency as ModuleDefinition);
      if (!instance || !module.dependsOn.includes(dependency as ModuleDefinition)) {
        throw new Error(`${module.name} uses ${dependency.name} without depending on it`);
      }
      return instance.api as ReturnType<typeof dependency.create>['api'];
    };
    created.set(module, module.create(kernel, use));
  }
  return new Map([...created].map(([{ name }, instance]) => [name, instance]));
}
