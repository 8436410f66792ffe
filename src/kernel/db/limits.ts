import pg from 'pg';

/**
 * The limits of every transaction. `lock_timeout` is a little more than PostgreSQL's `deadlock_timeout` of 1 s: else it
 * comes first, and no deadlock is ever told as one and run again.
 */
export const limits = {
  lock_timeout: '1100ms',
  statement_timeout: '2500ms',
  idle_in_transaction_session_timeout: '5s',
} as const;

const setLimits = Object.entries(limits)
  .map(([name, value]) => `SET LOCAL ${name} = '${value}'; `)
  .join('');

/** BEGIN, the limits and the tenant in one round trip; works behind a transaction pooler. */
export const opening = (begin: string, scope: string): string =>
  `${begin}; ${setLimits}SELECT set_config('app.tenant_id', ${pg.escapeLiteral(scope)}, true)`;
