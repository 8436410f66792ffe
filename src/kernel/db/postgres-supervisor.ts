import { setTimeout as delay } from 'node:timers/promises';
import pg, { type Client } from 'pg';
import type { Logger } from 'pino';
import {
  type Cluster,
  runningServer,
  type ServerSettings,
  startCluster,
  stopCluster,
} from './postgres-cluster.ts';

export interface SupervisedServer {
  cluster: Cluster;
  /** The superuser's URL on the port that the settings name. */
  url: string;
  settings: ServerSettings;
  log: Pick<Logger, 'warn' | 'error'>;
}

/** Advisory lock of the process that owns the server; its session holds it, so that no crash leaves it behind. */
const ownerLock = 72707370;
const startTimeoutMs = 60_000;

/** Not yet: starting or recovering, not listening, or the backends of a killed server are still leaving. */
function passes(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    code === '57P03' || code === 'ECONNREFUSED' || /shared memory block .* still in use/.test(message ?? '')
  );
}

/** Starts the server unless it runs (one that an earlier process left behind is as good) and connects to it. */
export async function reachServer({ cluster, url, settings }: SupervisedServer): Promise<Client> {
  for (const deadline = Date.now() + startTimeoutMs; ; await delay(200)) {
    const client = new pg.Client({ connectionString: url, application_name: 'depin-inventory owner' });
    client.on('error', () => {});
    try {
      if (!runningServer(cluster)) await startCluster(cluster, settings);
      await client.connect();
      return client;
    } catch (error) {
      if (!passes(error) || Date.now() > deadline) throw error;
    }
  }
}

/** Whether this session now owns the server; asks again for `timeoutMs`. */
export async function takeOwnership(client: Client, timeoutMs: number): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; ; await delay(100)) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS owned', [ownerLock]);
    if (rows[0]?.owned || Date.now() >= deadline) return rows[0]?.owned === true;
  }
}

/**
 * Keeps an owned server running: when `owner`, the session that holds the lock, breaks, the server is started again
 * on its old port, where the pools find it. Returns how to end supervision and server, in this order.
 */
export function supervise(server: SupervisedServer, owner: Client): () => Promise<void> {
  let stopping = false;
  let session = owner;
  let revival = Promise.resolve();

  const revive = async () => {
    server.log.warn('The embedded PostgreSQL broke off: bringing it back.');
    while (!stopping) {
      try {
        watch(await reachServer(server));
        await takeOwnership(session, 0);
        return;
      } catch (error) {
        server.log.error({ err: error }, 'The embedded PostgreSQL does not start: trying again.');
        await delay(1000);
      }
    }
  };
  const watch = (client: Client) => {
    session = client;
    client.once('end', () => {
      if (!stopping) revival = revive();
    });
  };

  watch(owner);
  return async () => {
    stopping = true;
    await revival;
    await session.end();
    await stopCluster(server.cluster);
  };
}
