import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  /** As the service connects: role `inv_app`, no superuser, no DDL. */
  url: string;
  /** As migrations connect: the owner of everything. */
  ownerUrl: string;
  drop(): Promise<void>;
}

/** Password of the service's role on the tests' server. */
export const servicePassword = 'inv_app';

/** Runs one piece of work as the server's owner. */
export async function withClient<T>(serverUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** The URL of another database of the same server, as the same role or as `login`. */
export function databaseUrl(
  serverUrl: string,
  name: string,
  login?: { user: string; password: string },
): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  if (login) Object.assign(url, { username: login.user, password: login.password });
  return url.href;
}

/**
 * A migrated, empty database of the caller's own, cloned from the run's template: one per test file, dropped in
 * `afterAll`. Clones may be made at once.
 */
export async function createDatabase(
  template = process.env.TEST_TEMPLATE ?? '',
  server = process.env.TEST_DATABASE_URL ?? '',
): Promise<TestDatabase> {
  const name = `${process.env.TEST_RUN}_${randomBytes(4).toString('hex')}`;
  await withClient(server, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return {
    url: databaseUrl(server, name, { user: 'inv_app', password: servicePassword }),
    ownerUrl: databaseUrl(server, name),
    drop: () =>
      withClient(server, async (admin) => void (await admin.query(`DROP DATABASE ${name} WITH (FORCE)`))),
  };
}
