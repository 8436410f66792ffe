import { randomUUID } from 'node:crypto';
import type { Call } from './edge-app.ts';
import { bodySchema, type Document, type Operation, parametersIn } from './openapi.ts';

/** Ids by collection, as `world.ts` has them. */
export type Ids = Readonly<Record<string, string>>;

/** Which collection a field of a body, or a parameter, names an object of. */
const collectionOf = new Map([
  ['providerId', 'providers'],
  ['nodeId', 'nodes'],
  ['gpuId', 'gpus'],
  ['gpuIds', 'gpus'],
  ['tenantId', 'tenants'],
  ['modelId', 'gpu-models'],
]);

type Json = Record<string, unknown>;

/** Fields that must be new each time. */
const fresh = new Map<string, () => string>([
  ['uuid', () => `GPU-${randomUUID()}`],
  ['hostname', () => `node-${randomUUID()}`],
  ['email', () => `${randomUUID()}@example.test`],
]);

function placed(name: string, value: unknown, ids: Ids): unknown {
  const id = ids[collectionOf.get(name) ?? ''];
  if (id !== undefined) return Array.isArray(value) ? [id] : id;
  if (Array.isArray(value)) return value.map((item) => placed('', item, ids));
  if (typeof value === 'object' && value !== null) return withIds(value as Json, ids);
  return fresh.get(name)?.() ?? value;
}

/** A body whose references point at the given objects. */
export const withIds = (body: Json, ids: Ids): Json =>
  Object.fromEntries(Object.entries(body).map(([name, value]) => [name, placed(name, value, ids)]));

/** The first example of an operation's body; undefined where it takes none. */
function exampleBody(document: Document, operation: Operation, ids: Ids): Json | undefined {
  const example = bodySchema(document, operation)?.examples?.[0] as Json | undefined;
  if (example === undefined) return undefined;
  const body = withIds(example, ids);
  // The catalogue names a model by its name.
  if (operation.id === 'createGpuModel') body.name = `Card ${randomUUID()}`;
  return body;
}

/** The parameters that an operation cannot do without. */
const requiredQuery = (operation: Operation, ids: Ids): string =>
  parametersIn(operation, 'query')
    .filter(({ required }) => required)
    .map(({ name }) => `${name}=${ids[collectionOf.get(name) ?? '']}`)
    .join('&');

/** A well-formed request of an operation on the given objects, with a key or without one. */
export function requestOf(
  document: Document,
  operation: Operation,
  ids: Ids,
  key: string | null,
): Call & { headers: Record<string, string> } {
  const body = exampleBody(document, operation, ids);
  const query = requiredQuery(operation, ids);
  const needsVersion = operation.method === 'PATCH' || operation.method === 'DELETE';
  return {
    method: operation.method,
    url: operation.path.replace('{id}', ids[operation.collection] ?? '') + (query && `?${query}`),
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(needsVersion && { 'if-match': '*' }),
    },
    ...(body && { payload: body }),
  };
}

/** The request with more parameters; they are text as it goes into the URL. */
export const withQuery = <C extends Call>(call: C, query: string): C => ({
  ...call,
  url: `${call.url}${call.url.includes('?') ? '&' : '?'}${query}`,
});
