import { withClient } from './database.ts';

/**
 * Everything that migrations can make, one line each and sorted: what `pg_dump --schema-only` would tell, without a
 * client program. Daily partitions are left out, as they depend on the day.
 */
const dump = `
  WITH relation AS (
    SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('inventory', 'public') AND NOT c.relispartition AND c.relname <> '_prisma_migrations'
  )
  SELECT 'extension ' || extname || ' ' || extversion AS line FROM pg_extension
  UNION ALL
  SELECT 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') FROM pg_namespace WHERE nspname IN ('inventory', 'public')
  UNION ALL
  SELECT format('relation %s.%s %s options %s rls %s/%s acl %s partitioned %s', nspname, relname, relkind, reloptions,
                relrowsecurity, relforcerowsecurity, relacl, pg_get_partkeydef(oid))
  FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
  UNION ALL
  SELECT format('column %s.%s #%s %s %s not null %s identity %s default %s', nspname, relname, attnum, attname,
                format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid))
  FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relkind IN ('r', 'p', 'v', 'm')
  UNION ALL
  SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(con.oid))
  FROM pg_constraint con JOIN relation ON relation.oid = conrelid
  UNION ALL
  SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index JOIN relation ON relation.oid = indrelid
  UNION ALL
  SELECT format('trigger %s', pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal
  UNION ALL
  SELECT format('function %s acl %s', pg_get_functiondef(p.oid), proacl)
  FROM pg_proc p WHERE pronamespace = to_regnamespace('inventory')
  UNION ALL
  SELECT format('policy %s.%s %s %s %s', schemaname, tablename, policyname, qual, with_check) FROM pg_policies
  UNION ALL
  SELECT format('type %s', typname) FROM pg_type WHERE typnamespace = to_regnamespace('inventory') AND typtype IN ('e', 'd')
  ORDER BY 1`;

/** The schema behind an owner's URL, as sorted lines. */
export async function dumpSchema(ownerUrl: string): Promise<string[]> {
  const { rows } = await withClient(ownerUrl, (owner) => owner.query<{ line: string }>(dump));
  return rows.map(({ line }) => line);
}
