import pg from 'pg';
import { runningServer } from '../../src/kernel/db/postgres-cluster.ts';
import { startPostgres, type TestPostgres } from './postgres-server.ts';
import { until } from './until.ts';

export interface FaultyPostgres extends TestPostgres {
  /** Kills one process that serves the service, as the kernel does when memory is short; the server starts over. */
  killBackend(): Promise<void>;
  /** Ends every session of the service, as an administrator would. */
  terminateSessions(): Promise<number>;
  /** Kills every process of the server at once. */
  crash(): Promise<void>;
  /** Stops all processes of the server where they are: connections stay open, nobody answers. */
  freeze(): Promise<void>;
  thaw(): void;
}

const sessions = `FROM pg_stat_activity WHERE usename = 'inv_app'`;

/** Signals those of the processes that are still there. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** A PostgreSQL of its own that can be hurt. Nothing acknowledged may be lost: commits are synchronous. */
export async function startFaultyPostgres(): Promise<FaultyPostgres> {
  const server = await startPostgres({ synchronous_commit: 'on', max_connections: 30 });
  let frozen: number[] = [];

  async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
    const admin = new pg.Client({ connectionString: server.url });
    admin.on('error', () => {});
    await admin.connect();
    return work(admin).finally(() => admin.end().catch(() => {}));
  }

  /** The postmaster, stopped so that there will be no more, and all that it has begotten. */
  const stopAll = () =>
    asAdmin(async (admin) => {
      const postmaster = runningServer(server.cluster)?.pid;
      if (postmaster === undefined) throw new Error('PostgreSQL does not run');
      signal([postmaster], 'SIGSTOP');
      const others = 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()';
      const { rows } = await admin.query<{ pid: number }>(others);
      return [postmaster, ...rows.map(({ pid }) => pid)];
    });

  return {
    ...server,
    killBackend: () =>
      asAdmin(async (admin) => {
        const { rows } = await admin.query<{ pid: number }>(`SELECT pid ${sessions} LIMIT 1`);
        signal(
          rows.map(({ pid }) => pid),
          'SIGKILL',
        );
      }),
    terminateSessions: () =>
      asAdmin(
        async (admin) => (await admin.query(`SELECT pg_terminate_backend(pid) ${sessions}`)).rowCount ?? 0,
      ),
    crash: async () => {
      signal(await stopAll(), 'SIGKILL');
    },
    // Leftovers of a crash may hold the shared memory for a moment.
    start: () =>
      until('PostgreSQL runs again', () =>
        server.start().then(
          () => true,
          () => false,
        ),
      ),
    freeze: async () => {
      frozen = await stopAll();
      signal(frozen, 'SIGSTOP');
    },
    thaw: () => {
      signal(frozen.splice(0), 'SIGCONT');
    },
    stop: async () => {
      signal(frozen.splice(0), 'SIGCONT');
      await server.stop();
    },
  };
}
