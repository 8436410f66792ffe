import { wrongValues } from './hostile-values.ts';
import { type Document, followed, type JsonSchema } from './openapi.ts';

type Path = readonly (string | number)[];

/** A body with one thing wrong in it. */
export interface Mutation {
  /** Where and what: `/labels/rack = null`. */
  name: string;
  body: unknown;
}

/** Deeper places repeat what the shallow ones show. */
const maxDepth = 4;

/** The value with `child` at a place of it; parents that are missing are made. */
function planted(value: unknown, [head, ...rest]: Path, child: unknown): unknown {
  if (head === undefined) return child;
  if (typeof head === 'number') return [planted((value as unknown[] | undefined)?.[0], rest, child)];
  const parent = (value ?? {}) as Record<string, unknown>;
  return { ...parent, [head]: planted(parent[head], rest, child) };
}

/** A schema with its reference followed; of a choice between something and null, the something, nullable. */
function plain(document: Document, schema: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const [first, second] = schema.anyOf ?? [];
  if (first && second?.type === 'null') return { schema: followed(document, first), nullable: true };
  return { schema: followed(document, schema), nullable: false };
}

const show = (path: Path, value: unknown): string =>
  `/${path.join('/')} = ${(JSON.stringify(value) ?? 'absent').slice(0, 60)}`;

/** Every way to break one place of a body: wrong type, out of range, too long, unknown, missing. */
export function mutationsOf(
  document: Document,
  given: JsonSchema,
  example: unknown,
  path: Path = [],
): Mutation[] {
  const { schema, nullable } = plain(document, given);
  const isFree =
    schema.type === undefined ||
    (path.length > 0 && schema.properties === undefined && schema.additionalProperties === true);
  const wrong = isFree ? [] : wrongValues(schema).filter((value) => !(nullable && value === null));
  const here = wrong.map((value) => ({ name: show(path, value), body: planted(example, path, value) }));
  if (path.length >= maxDepth) return here;
  const children = [
    ...Object.entries(schema.properties ?? {}),
    ...(schema.items ? [[0, schema.items] as const] : []),
  ];
  return [
    ...here,
    ...(schema.required ?? []).map((name) => ({
      name: show([...path, name], undefined),
      body: planted(example, [...path, name], undefined),
    })),
    ...children.flatMap(([name, child]) => mutationsOf(document, child, example, [...path, name])),
  ];
}
