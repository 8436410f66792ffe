// Asks Prisma's own schema engine about a database: node schema-engine.mjs drift|history <owner's URL>, answer as JSON.
// A process of its own, because the engine leaves a timer behind that would hold its caller for ten seconds.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import pg from 'pg';

const root = fileURLToPath(new URL('../../', import.meta.url));
const charOid = 18;
const bpcharOid = 1042;
const mark = '\u0001';

function retype(result) {
  for (const field of result?.fields ?? []) {
    if (field.dataTypeID !== charOid) continue;
    field.dataTypeID = bpcharOid;
    field.name = mark + field.name;
  }
  return result;
}

/** The adapter knows no type `"char"`, of which pg_catalog is full: such columns travel as marked character columns. */
class CatalogClient extends pg.Client {
  query(...args) {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return super.query(...args);
    return super.query(...args.slice(0, -1), (error, result) => callback(error, retype(result)));
  }
}

function unmark(result) {
  for (const [i, name] of result.columnNames.entries()) {
    if (!name.startsWith(mark)) continue;
    result.columnNames[i] = name.slice(1);
    result.columnTypes[i] = ColumnTypeEnum.Character;
  }
  return result;
}

const readingCatalog = (adapter) =>
  new Proxy(adapter, {
    get(target, key) {
      if (key === 'queryRaw') return async (query) => unmark(await target.queryRaw(query));
      const value = target[key];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

async function loadEngine() {
  const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bindings = await import(pathToFileURL(glue).href);
  const module = new WebAssembly.Module(readFileSync(glue.replace(/\.js$/, '.wasm')));
  const { exports } = new WebAssembly.Instance(module, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };
  return bindings.SchemaEngine;
}

const schemaFolder = join(root, 'prisma/schema');
const schemaFiles = readdirSync(schemaFolder)
  .filter((name) => name.endsWith('.prisma'))
  .map((name) => ({
    path: join(schemaFolder, name),
    content: readFileSync(join(schemaFolder, name), 'utf8'),
  }));

const migrationsFolder = join(root, 'prisma/migrations');
const migrationsList = {
  baseDir: migrationsFolder,
  lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
  shadowDbInitScript: '',
  migrationDirectories: readdirSync(migrationsFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(migrationsFolder, name, 'migration.sql'), 'utf8') },
      },
    })),
};

const filters = { externalTables: [], externalEnums: [] };

const questions = {
  /** The script that would turn the database into the models: empty when they agree. */
  drift: (engine) =>
    engine.diff({
      from: { tag: 'schemaDatasource', files: schemaFiles, configDir: root },
      to: { tag: 'schemaDatamodel', files: schemaFiles },
      script: true,
      exitCode: true,
      shadowDatabaseUrl: null,
      filters,
    }),
  history: (engine) =>
    engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters }),
};

const [question, url] = process.argv.slice(2);
const { hostname, port, username, password, pathname } = new URL(url);
const adapterFactory = new PrismaPg({
  host: hostname,
  port: Number(port || 5432),
  user: decodeURIComponent(username),
  password: decodeURIComponent(password),
  database: pathname.slice(1),
  max: 1,
  Client: CatalogClient,
});
const SchemaEngine = await loadEngine();
const engine = await SchemaEngine.new(
  { datamodels: schemaFiles.map(({ path, content }) => [path, content]) },
  () => {},
  bindMigrationAwareSqlAdapterFactory({
    ...adapterFactory,
    provider: adapterFactory.provider,
    adapterName: adapterFactory.adapterName,
    connect: async () => readingCatalog(await adapterFactory.connect()),
    connectToShadowDb: () => Promise.reject(new Error('no shadow database is needed here')),
  }),
);
console.log(JSON.stringify(await questions[question](engine)));
process.exit(0);
