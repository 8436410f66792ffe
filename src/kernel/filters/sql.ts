import sql, { join, type Sql } from 'sql-template-tag';
import { type FilterAst, type FilterDefinition, type FilterTest, fieldOf } from './filters.ts';

/** One predicate as SQL: boolean or NULL, NULL meaning no match. `relations` are those that it reads. */
export interface CompiledPredicate {
  name: string;
  sql: Sql;
  relations: ReadonlySet<string>;
}

/** The moment that derived properties compare with, as SQL: `clock_timestamp()` or a parameter for `asOf`. */
interface CompileOptions {
  moment: Sql;
}

function compileTest(
  definition: FilterDefinition,
  test: FilterTest,
  moment: Sql,
  relations: Set<string>,
): Sql {
  const each = (tests: FilterTest[]) =>
    tests.map((inner) => compileTest(definition, inner, moment, relations));
  if ('all' in test) return join(each(test.all), ' AND ', '(', ')');
  if ('any' in test) return join(each(test.any), ' OR ', '(', ')');
  if ('not' in test) return sql`(${join(each([test.not]))}) IS NOT TRUE`;
  const field = fieldOf(definition.fields, test.field);
  if (field === undefined) throw new Error(`No such filter: ${test.field}.`);
  if (field.relation !== undefined) relations.add(field.relation);
  return field.test(test.operator, test.operand, moment);
}

/**
 * Compiles a filter into one SQL expression per predicate, never into a WHERE string: search joins them by AND,
 * `explain` counts what each of them removes. Values are parameters with a cast; `not` is `IS NOT TRUE`, so that
 * the logic stays two-valued around it.
 *
 * @example compileFilters(gpuFilters, parseFilterQuery(gpuFilters, { minMemoryMb: '8192' }), { moment: sql`now()` })
 *          // [{ name: 'minMemoryMb', sql: (s.memory_total_mb) >= $1::bigint, relations: Set { 'state' } }]
 */
export function compileFilters(
  definition: FilterDefinition,
  ast: FilterAst,
  { moment }: CompileOptions,
): CompiledPredicate[] {
  return ast.map(({ name, test }) => {
    const relations = new Set<string>();
    return { name, sql: compileTest(definition, test, moment, relations), relations };
  });
}

/** All predicates as one condition for WHERE; TRUE where there is none. */
export const whereAll = (predicates: readonly CompiledPredicate[]): Sql =>
  predicates.length === 0
    ? sql`TRUE`
    : join(
        predicates.map((predicate) => predicate.sql),
        ' AND ',
      );
