import { problemResponse } from '../../kernel/http/schemas.ts';
import { everywhere, headerRefs, headersOfStatus, requestHeaders, responseHeaders } from './headers.ts';
import { stateLimits } from './limits.ts';

/* The parts of an OpenAPI 3.1 document that are completed here. */
interface Schema {
  $ref?: string;
  properties?: Record<string, unknown>;
}
interface Parameter {
  $ref?: string;
  in?: string;
  required?: boolean;
  schema?: { default?: unknown };
}
interface Response {
  $ref?: string;
  description?: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: unknown;
  security?: readonly unknown[];
  responses?: Record<string, Response>;
}
type PathItem = Record<string, Operation | undefined>;
type Schemas = Readonly<Record<string, Schema>>;

const json = 'application/json';

const hasPathParameter = (parameters: Parameter[] = []): boolean =>
  parameters.some((parameter) => parameter.in === 'path');

/** What any operation may answer, beside what its route declares. */
function commonStatuses({ requestBody, security, parameters }: Operation): string[] {
  const isPublic = security?.length === 0;
  return [
    ...['400', '406', '429', '500', '503'],
    ...(isPublic ? [] : ['401', '403']),
    ...(requestBody ? ['413', '415'] : []),
    ...(hasPathParameter(parameters) ? ['414'] : []),
  ];
}

const problemRef = (status: string): Response => ({ $ref: `#/components/responses/Problem${status}` });

const isProblem = (status: string): boolean => Number(status) >= 400;

/** Names of the fields that the answer of a status shows. */
function fieldsOf(response: Response | undefined, schemas: Schemas): string[] {
  const schema = response?.content?.[json]?.schema;
  const target = schema?.$ref ? schemas[schema.$ref.replace('#/components/schemas/', '')] : schema;
  return Object.keys(target?.properties ?? {});
}

function answer(method: string, status: string, response: Response, schemas: Schemas): Response {
  if (isProblem(status)) return problemRef(status);
  const fields = fieldsOf(response, schemas);
  const headers = {
    ...everywhere,
    ...headersOfStatus[status],
    ...(fields.includes('version') && headerRefs('ETag')),
    ...(fields.includes('nextCursor') && headerRefs('Link')),
    ...(method === 'post' && headerRefs('Idempotency-Replayed')),
    ...response.headers,
  };
  return { ...response, headers };
}

/** Headers that an operation reads: what they mean is the same everywhere. */
function headerParameters(
  method: string,
  { responses = {}, parameters }: Operation,
  isVersioned: boolean,
): Parameter[] {
  const names: (keyof typeof requestHeaders)[] = ['RequestId'];
  if (method === 'post') names.push('IdempotencyKey');
  if (method === 'patch' || method === 'delete') names.push('IfMatch');
  else if ('412' in responses && hasPathParameter(parameters)) names.push('IfMatchOptional');
  if (method === 'get' && isVersioned) names.push('IfNoneMatch');
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** A parameter with a default may be left out; the generator takes it for required. */
const relaxDefault = (parameter: Parameter): Parameter =>
  parameter.schema?.default === undefined ? parameter : { ...parameter, required: false };

function completeOperation(method: string, operation: Operation, schemas: Schemas): Operation {
  const declared = operation.responses ?? {};
  const isVersioned = fieldsOf(declared['200'], schemas).includes('version');
  const statuses = new Set([...Object.keys(declared), ...commonStatuses(operation)]);
  const responses = [...statuses].map((status) => [
    status,
    answer(method, status, declared[status] ?? {}, schemas),
  ]);
  const notModified = {
    description: 'It still has this version.',
    headers: { ...everywhere, ...headerRefs('ETag') },
  };
  return {
    ...operation,
    parameters: [
      ...(operation.parameters ?? []).map(relaxDefault),
      ...headerParameters(method, operation, isVersioned),
    ],
    responses: {
      ...Object.fromEntries(responses),
      ...(method === 'get' && isVersioned && { 304: notModified }),
    },
  };
}

const problemComponent = (status: string): Response => ({
  ...problemResponse(Number(status)),
  headers: { ...everywhere, ...headersOfStatus[status] },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const operationsOf = (paths: Record<string, PathItem>): Operation[] =>
  Object.values(paths).flatMap((item) => Object.values(item).filter((operation) => operation !== undefined));

function completePaths(paths: Record<string, PathItem>, schemas: Schemas): Record<string, PathItem> {
  const completeItem = (item: PathItem): PathItem =>
    Object.fromEntries(
      Object.entries(item).map(([method, operation]) => [
        method,
        operation && completeOperation(method, operation, schemas),
      ]),
    );
  return Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, completeItem(item)]));
}

/**
 * Adds to a generated document what is the same for all operations: the answers of the HTTP edge (401, 415, 429, …),
 * the headers of requests and answers, the limits of values. Routes then declare what is their own, and no status stays
 * undocumented. Problems are shared components, one for each status.
 */
export function completeDocument<D extends { paths?: object; components?: { schemas?: object } }>(
  document: D,
): D {
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const paths = completePaths((document.paths ?? {}) as Record<string, PathItem>, schemas);
  const problems = new Set(
    operationsOf(paths).flatMap(({ responses = {} }) => Object.keys(responses).filter(isProblem)),
  );
  const components = {
    ...document.components,
    responses: Object.fromEntries(
      [...problems].sort().map((status) => [`Problem${status}`, problemComponent(status)]),
    ),
    headers: responseHeaders,
    parameters: requestHeaders,
  };
  return stateLimits({ ...document, paths, components });
}
