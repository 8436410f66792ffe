import sql, { join, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import { invalid } from '../../../kernel/errors.ts';
import { parseFilterBody } from '../../../kernel/filters/body.ts';
import type { FilterAst, FilterDefinition } from '../../../kernel/filters/filters.ts';
import { compileFilters, whereAll } from '../../../kernel/filters/sql.ts';
import { gpuTablesOf, type Walk } from '../../inventory/index.ts';
import type { GpuAlternative, GpuRequest } from '../schemas.ts';
import type { Objective } from './objectives.ts';

/** What GPUs can be asked for: filters over `gpu_state s` and its relations. */
export interface GpuSearch {
  filters: FilterDefinition;
  /** How free GPUs that a filter lets pass are found. */
  walkOf(filters: FilterAst): Walk;
}

/** What a GPU must satisfy beside being free and schedulable, and how such GPUs are found. */
export interface Fitting {
  /** All of it, over `tables`. */
  condition: Sql;
  walk: Walk;
  /** What is left of the condition along the walk. */
  open: Sql;
  /** `gpu_state s` and whatever else is read. */
  tables: Sql;
}

/** A request as the choice of GPUs reads it. One GPU is always on one node, of one model and of one provider. */
export interface Wish extends Fitting {
  count: number;
  sameNode: boolean;
  sameModel: boolean;
  distinctProviders: boolean;
  objective: Objective;
  /** Thousandths of each GPU. */
  share: number;
}

/** What a request says of each GPU. */
export interface Condition {
  filters: FilterAst;
  excludeWarnings: boolean;
}

/**
 * Reads what a request says of each GPU; `pointer` says where its filter stands in the body.
 *
 * @throws 400 `request.invalid` naming what the filter does not know.
 */
export const conditionOf = (
  { filters }: GpuSearch,
  { filter = {}, excludeWarnings = false }: { filter?: object; excludeWarnings?: boolean },
  pointer: string,
): Condition => ({ filters: parseFilterBody(filters, filter, pointer), excludeWarnings });

/** What all of these conditions together ask of a GPU. */
export function fittingOf(search: GpuSearch, ...conditions: readonly Condition[]): Fitting {
  const filters = conditions.flatMap((condition) => condition.filters);
  const healthy = conditions.some(({ excludeWarnings }) => excludeWarnings)
    ? [sql`s.health <> 'warning'`]
    : [];
  const compiled = (ast: FilterAst) =>
    compileFilters(search.filters, ast, { moment: sql`clock_timestamp()` });
  const where = (ast: FilterAst) => join([whereAll(compiled(ast)), ...healthy], ' AND ');
  const walk = search.walkOf(filters);
  const read = compiled(filters).flatMap(({ relations }) => [...relations]);
  return {
    condition: where(filters),
    walk,
    open: where(walk.open),
    tables: gpuTablesOf(new Set(read)),
  };
}

/** A request without alternatives, and where it stands in the body. */
export interface Attempt {
  request: Static<typeof GpuAlternative>;
  pointer: string;
}

/**
 * What is tried for a request that stands at `pointer`: itself, then its alternatives, each for as many GPUs where it
 * does not say how many.
 */
export function attemptsOf(
  { alternatives = [], ...request }: Static<typeof GpuRequest>,
  pointer: string,
): Attempt[] {
  const count = request.count ?? request.groups?.reduce((sum, group) => sum + group.count, 0);
  const asMany = count === undefined ? {} : { count };
  const others = alternatives.map((other, at) => ({
    request: other.groups ? other : { ...asMany, ...other },
    pointer: `${pointer}/alternatives/${at}`,
  }));
  return [{ request, pointer }, ...others];
}

/** How many GPUs a request without groups is for. */
export function countOf({ count }: Static<typeof GpuAlternative>, pointer: string): number {
  if (count === undefined) throw invalid(`${pointer}/count`, 'is required where there are no groups');
  return count;
}

/** Compiles a request without groups; `pointer` says where it stands in the body. */
export function wishOf(
  search: GpuSearch,
  request: Static<typeof GpuAlternative>,
  pointer: string,
  share: number,
): Wish {
  const { objective = 'cheapest' } = request;
  const count = countOf(request, pointer);
  const several = count > 1;
  return {
    ...fittingOf(search, conditionOf(search, request, `${pointer}/filter`)),
    count,
    objective,
    share,
    sameModel: several && request.sameModel === true,
    sameNode: several && request.sameNode === true,
    distinctProviders: several && request.distinctProviders === true,
  };
}
