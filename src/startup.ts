import { setTimeout as delay } from 'node:timers/promises';
import sql from 'sql-template-tag';
import { AppError, unavailable } from './kernel/errors.ts';
import { migrationState } from './kernel/migrations.ts';
import { sharedSecret } from './kernel/shared-secret.ts';
import type { Worker, Workers } from './kernel/worker.ts';
import type { Kernel, ModuleInstance } from './module.ts';

/** What else must wait for a usable database. */
interface Dependants {
  kernel: Kernel;
  modules: readonly ModuleInstance<unknown>[];
  workers: Workers;
  /** Run once before anything else starts: what the others rely on. */
  first: Worker;
  /** The kernel's own workers. */
  more: readonly Worker[];
  /** Receives the key that cursors are signed with. */
  onCursorSecret(secret: Buffer): void;
}

const starting = () => unavailable('service.starting', 'The service is starting.');
const stopping = () => unavailable('service.stopping', 'The service is stopping.');

/**
 * From "the process runs" to "it may take traffic": waits for the database and its migrations as long as it takes,
 * then starts modules and workers once. Until then /ready says why not, and nothing else is answered. Stopping goes
 * the other way round: /ready says so at once, and requests are answered until the listener has closed.
 */
export class Startup {
  #blocked: AppError | null = starting();
  #fault = '';
  readonly #stopping = new AbortController();
  readonly #on: Dependants;

  constructor(on: Dependants) {
    this.#on = on;
  }

  /** Why no request can be answered yet; null from the start of the service on. */
  get blocked(): AppError | null {
    return this.#blocked;
  }

  /** Why no more traffic may be sent here; null when it may. */
  get unready(): AppError | null {
    return this.#stopping.signal.aborted ? stopping() : this.#blocked;
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#start();
        this.#blocked = null;
        return;
      } catch (error) {
        this.#block(error);
        await delay(500, undefined, { signal }).catch(() => {});
      }
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  #block(error: unknown): void {
    const { message } = error as Error;
    // The same fault twice a second is worth one line.
    if (message !== this.#fault) this.#on.kernel.log.warn({ err: error }, 'the service cannot start yet');
    this.#fault = message;
    this.#blocked = error instanceof AppError ? error : starting();
  }

  async #start(): Promise<void> {
    const { kernel, modules, workers, first, more, onCursorSecret } = this.#on;
    await assertMigrated(kernel);
    await first.run();
    onCursorSecret(await sharedSecret(kernel.db, 'cursor'));
    for (const module of modules) await module.start?.();
    const all = [first, ...more, ...modules.flatMap((module) => module.workers ?? [])];
    for (const worker of all) workers.start(worker);
  }
}

/**
 * Every migration of this release must have been applied as it is. One that this release does not know is no
 * obstacle: it belongs to the next release, under which this one must still run.
 */
async function assertMigrated({ db }: Kernel): Promise<void> {
  await db.rows(sql`SELECT 1`);
  const { pending, invalid } = await migrationState(db.pool);
  const wrong = invalid.filter(({ problem }) => problem !== 'missing');
  if (pending.length === 0 && wrong.length === 0) return;
  const names = [...pending, ...wrong.map(({ name, problem }) => `${name} (${problem})`)].join(', ');
  throw unavailable('migrations.pending', `Run \`depin-inventory migrate up\` first: ${names}.`, 5);
}
