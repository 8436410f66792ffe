import type { ClientBase } from 'pg';

/** The role that the service runs as: no superuser, no DDL, bound by row-level security. */
export const serviceRole = 'inv_app';

/** As settings of the role they hold behind a pooler too; PostgreSQL has the last of them from 17 on. */
const limits: Record<string, string> = {
  statement_timeout: '2500ms',
  lock_timeout: '1000ms',
  idle_in_transaction_session_timeout: '5000ms',
  transaction_timeout: '5000ms',
};

/** Makes the service role where it is missing and sets its password and limits. Needs CREATEROLE. */
export async function ensureServiceRole(owner: ClientBase, password: string): Promise<void> {
  const { rowCount } = await owner.query('SELECT FROM pg_roles WHERE rolname = $1', [serviceRole]);
  if (!rowCount) await owner.query(`CREATE ROLE ${serviceRole} NOSUPERUSER NOBYPASSRLS`);
  await owner.query(`ALTER ROLE ${serviceRole} LOGIN PASSWORD ${owner.escapeLiteral(password)}`);
  const { rows } = await owner.query<{ name: string }>('SELECT name FROM pg_settings WHERE name = ANY ($1)', [
    Object.keys(limits),
  ]);
  for (const { name } of rows) await owner.query(`ALTER ROLE ${serviceRole} SET ${name} = '${limits[name]}'`);
}

/**
 * Gives the service role its rights on every table of the schema `inventory`; repeatable, and nothing happens
 * where the role does not exist. The audit trail, `change`, it may add to and read, never alter.
 */
export async function grantServiceRole(owner: ClientBase): Promise<void> {
  await owner.query(`
    DO $$
    DECLARE audit regclass := to_regclass('inventory.change');
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${serviceRole}') THEN RETURN; END IF;
      GRANT SELECT ON public._prisma_migrations TO ${serviceRole};
      IF to_regnamespace('inventory') IS NULL THEN RETURN; END IF;
      GRANT USAGE ON SCHEMA inventory TO ${serviceRole};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA inventory TO ${serviceRole};
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA inventory TO ${serviceRole};
      IF audit IS NOT NULL THEN
        EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM ${serviceRole}', audit);
      END IF;
    END $$`);
}
