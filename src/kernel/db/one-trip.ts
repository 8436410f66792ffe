import pg from 'pg';
import type { Sql } from 'sql-template-tag';
import { limits } from './limits.ts';
import { rowOptions } from './rows.ts';
import type { Statements } from './statements.ts';

/** No row comes back, as nobody asks for any; each argument is evaluated all the same. */
const settings = {
  name: 'dpi_settings',
  text: `SELECT WHERE num_nulls(${Object.entries(limits)
    .map(([name, value]) => `set_config('${name}', '${value}', true)`)
    .join(', ')}, set_config('app.tenant_id', $1, true)) > 0`,
};

/** Connections that have parsed `settings`. */
const ready = new WeakSet<pg.ClientBase>();

async function prepare(client: pg.ClientBase, scope: string): Promise<void> {
  if (ready.has(client)) return;
  await client.query({ ...settings, values: [scope] });
  ready.add(client);
}

/** Puts the settings in front of a query: the one Sync that follows both makes them one transaction. */
function withSettings(query: pg.Query, scope: string): pg.Query {
  const { submit } = query;
  query.submit = (connection) => {
    connection.stream.cork();
    connection.bind({ statement: settings.name, values: [scope] }, true);
    connection.execute({}, true);
    const fault = submit.call(query, connection);
    connection.stream.uncork();
    return fault;
  };
  return query;
}

/**
 * Runs one statement as a whole transaction with its limits and its tenant, in one round trip where BEGIN, statement and
 * COMMIT take three: what is sent before one Sync is one transaction, which an error anywhere undoes.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export async function runInOneTrip(
  client: pg.ClientBase,
  statements: Statements,
  scope: string,
  { text, values }: Sql,
): Promise<pg.QueryArrayResult> {
  await prepare(client, scope);
  const name = statements.nameOf(text);
  // A statement without values would go by the simple protocol, which has no place behind a Bind.
  const config = { text, values, queryMode: 'extended', ...(name !== undefined && { name }), ...rowOptions };
  return new Promise((resolve, reject) => {
    const done = (error: Error | undefined, results: unknown) =>
      error ? reject(error) : resolve((results as pg.QueryArrayResult[])[1] as pg.QueryArrayResult);
    client.query(withSettings(new pg.Query(config, done), scope));
  });
}
