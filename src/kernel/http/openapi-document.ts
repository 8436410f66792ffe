import { problemResponse } from './schemas.ts';

/* The parts of an OpenAPI 3.1 document that are completed here. */
interface Parameter {
  in?: string;
  required?: boolean;
  schema?: { default?: unknown };
}
interface Response {
  $ref?: string;
  headers?: Record<string, unknown>;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: unknown;
  security?: readonly unknown[];
  responses?: Record<string, Response>;
}
type PathItem = Record<string, Operation | undefined>;

const integer = (description: string, minimum = 0) => ({
  description,
  schema: { type: 'integer', format: 'int32', minimum, maximum: 2_147_483_647 },
});

const text = (description: string, example: string) => ({
  description,
  schema: { type: 'string', maxLength: 1000, examples: [example] },
});

const headers = {
  'X-Request-Id': text('As sent by the caller, else made here; also in logs and problems.', 'req-7f3a'),
  RateLimit: text('What is left in this window, and the seconds until it ends.', '"read";r=5999;t=42'),
  'RateLimit-Policy': text('Quota and window in seconds.', '"read";q=6000;w=60'),
  'Retry-After': integer('Seconds to wait before the next try.', 1),
  'WWW-Authenticate': text('How to authenticate.', 'Bearer'),
};

const headerRef = (name: keyof typeof headers) => ({ [name]: { $ref: `#/components/headers/${name}` } });
const everywhere = {
  ...headerRef('X-Request-Id'),
  ...headerRef('RateLimit'),
  ...headerRef('RateLimit-Policy'),
};
const onStatus: Readonly<Record<number, object>> = {
  401: headerRef('WWW-Authenticate'),
  429: headerRef('Retry-After'),
  503: headerRef('Retry-After'),
};

/** What any operation may answer, beside what its route declares. */
function commonStatuses({ requestBody, security, parameters = [] }: Operation): number[] {
  const isPublic = security?.length === 0;
  const hasPathParameter = parameters.some((parameter) => parameter.in === 'path');
  return [
    ...[400, 406, 429, 500, 503],
    ...(isPublic ? [] : [401, 403]),
    ...(requestBody ? [413, 415] : []),
    ...(hasPathParameter ? [414] : []),
  ];
}

const componentOf = (status: number): string => `Problem${status}`;

/** A parameter with a default may be left out; the generator takes it for required. */
function relaxDefaults(parameters: Parameter[] = []): void {
  for (const parameter of parameters) if (parameter.schema?.default !== undefined) parameter.required = false;
}

function completeOperation(operation: Operation): void {
  relaxDefaults(operation.parameters);
  const declared = operation.responses ?? {};
  for (const response of Object.values(declared)) response.headers = { ...everywhere, ...response.headers };
  const common = commonStatuses(operation).filter((status) => !(status in declared));
  operation.responses = {
    ...declared,
    ...Object.fromEntries(
      common.map((status) => [status, { $ref: `#/components/responses/${componentOf(status)}` }]),
    ),
  };
}

const commonResponse = (status: number) => ({
  description: problemResponse(status).description,
  headers: { ...everywhere, ...onStatus[status] },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const commonResponses = Object.fromEntries(
  [400, 401, 403, 406, 413, 414, 415, 429, 500, 503].map((status) => [
    componentOf(status),
    commonResponse(status),
  ]),
);

/**
 * Adds to a generated document what is the same for all operations: the answers of the HTTP edge (401, 415, 429, …) and
 * the headers of every answer. Routes then declare what is their own, and no status stays undocumented.
 */
export function completeDocument<D extends { paths?: object; components?: object }>(document: D): D {
  for (const item of Object.values((document.paths ?? {}) as Record<string, PathItem>)) {
    for (const operation of Object.values(item)) if (operation?.responses) completeOperation(operation);
  }
  const responses = { responses: commonResponses, headers };
  return { ...document, components: { ...document.components, ...responses } };
}
