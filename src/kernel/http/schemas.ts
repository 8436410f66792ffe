import { STATUS_CODES } from 'node:http';
import { type Static, type TSchema, Type } from 'typebox';

/** Bytes of the body of a batch. */
export const batchBodyLimit = 1_048_576;

/** Points at a schema that `app.addSchema` made known under its `$id`; OpenAPI shows it as a component. */
export const ref = <S extends TSchema>(schema: S & { $id?: string }) =>
  Type.Unsafe<Static<S>>({ $ref: `${schema.$id}#` });

type Keywords = Record<string, unknown> & { type?: string | string[]; enum?: unknown[] };

/**
 * The schema or null. Where the schema names a type, null joins that type: the serialiser then decides by `typeof`,
 * while `anyOf` makes it validate every branch at run time. Only a reference needs `anyOf`.
 */
export const Nullable = <S extends TSchema>(schema: S) => {
  const { type, ...rest } = schema as Keywords;
  if (type === undefined) return Type.Unsafe<Static<S> | null>({ anyOf: [schema, { type: 'null' }] });
  const values = rest.enum ? { enum: [...rest.enum, null] } : {};
  return Type.Unsafe<Static<S> | null>({ ...rest, ...values, type: [type, 'null'].flat() });
};

/** One of the given strings. */
export const StrEnum = <const V extends readonly string[]>(
  values: V,
  options: { default?: V[number]; description?: string } = {},
) => Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...options });

/** A moment, RFC 3339. The serialiser prints a `Date` in UTC with milliseconds. */
export const DateTime = (options: { description?: string } = {}) =>
  Type.Unsafe<Date | string>({ type: 'string', format: 'date-time', maxLength: 40, ...options });

/** A page of a list. Items may be partial: `fields=` narrows them. */
export const PageOf = <S extends TSchema>(item: S & { $id?: string }) =>
  Type.Object({
    items: Type.Array(Type.Unsafe<Partial<Static<S>>>({ $ref: `${item.$id}#` })),
    nextCursor: Nullable(Type.String({ description: 'Of the next page; null on the last one.' })),
  });

/** Every error of the API (RFC 9457). Some codes carry further members, such as `explain` or `gpuIds`. */
export const Problem = Type.Object(
  {
    type: Type.String({ format: 'uri-reference', description: 'Leads to the description of `code`.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.Optional(Type.String({ description: 'Path of the request.' })),
    code: Type.String({
      description: 'Stable, never reused: `module.reason`.',
      examples: ['gpu.unavailable'],
    }),
    requestId: Type.String({ description: 'As in the `X-Request-Id` header and in the logs.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({ description: 'JSON pointer into the body, or the name of a parameter.' }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem', additionalProperties: true, description: 'RFC 9457 problem document.' },
);

/** One documented answer that carries a problem document. */
export const problemResponse = (status: number) => ({
  description: STATUS_CODES[status] ?? 'Problem',
  content: { 'application/problem+json': { schema: ref(Problem) } },
});

/** The problem answers of a route, for its `response`: `{ 200: …, ...problemResponses(404, 409) }`. */
export const problemResponses = <const S extends readonly number[]>(...statuses: S) =>
  Object.fromEntries(statuses.map((status) => [status, problemResponse(status)])) as Record<
    S[number],
    ReturnType<typeof problemResponse>
  >;
