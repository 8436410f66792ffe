import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type Factory = ReturnType<typeof SerializerSelector>;

/** A copy without `required`: a documented field always stands in an answer, unless the caller chose `fields=`. */
function relaxed<Schema>(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(relaxed) as Schema;
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).filter(
    ([name, value]) => !(name === 'required' && Array.isArray(value)),
  );
  return Object.fromEntries(members.map(([name, value]) => [name, relaxed(value)])) as Schema;
}

/**
 * Makes the `buildSerializer` of one Fastify instance: answers are printed by their schemas, which drop what was not
 * promised. That nothing promised is missing is for tests to see, not for each answer to be checked for.
 */
export function serializerFactory(): Factory {
  const build = SerializerSelector();
  return (externalSchemas, options) => {
    const compile = build(relaxed(externalSchemas), options);
    return (route) => compile({ ...route, schema: relaxed(route.schema) });
  };
}
