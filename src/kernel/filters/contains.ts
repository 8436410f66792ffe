import sql, { type Sql } from 'sql-template-tag';

/** "The text occurs in this column", whatever its case; wildcards of the text mean themselves. A trigram index serves it. */
export const contains =
  (column: Sql) =>
  (words: Sql): Sql =>
    sql`${column} ILIKE '%' || regexp_replace(${words}, '([\\\\%_])', '\\\\\\1', 'g') || '%'`;
