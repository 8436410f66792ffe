import Schema from 'typebox/schema';
import type { App } from '../../src/plugins/server/server.ts';

/** A JSON schema as the OpenAPI document writes it. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Record<string, JsonSchema>;
  patternProperties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: JsonSchema[];
  examples?: unknown[];
}

export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required?: boolean;
  description?: string;
  schema: JsonSchema;
}

export interface Response {
  description: string;
  headers?: Record<string, object>;
  content?: Record<string, { schema: JsonSchema }>;
}

export interface Document {
  openapi: string;
  tags: { name: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  components: Record<string, Record<string, unknown>>;
}

interface RawOperation {
  operationId: string;
  tags: string[];
  summary: string;
  parameters?: (Parameter & { $ref?: string })[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  security?: Record<string, string[]>[];
  responses: Record<string, Response & { $ref?: string }>;
}

/** One operation with all references to parameters and answers followed. */
export interface Operation {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As documented: `/v1/nodes/{id}`. */
  path: string;
  /** First part of the path after `/v1`; '' for the service's own. */
  collection: string;
  hasId: boolean;
  tags: string[];
  summary: string;
  /** Null: it works without a key. */
  permission: string | null;
  security: Record<string, string[]>[] | undefined;
  parameters: Parameter[];
  body: JsonSchema | null;
  responses: Record<string, Response>;
}

/** What a `$ref` of the document points at. */
export function followed<T>(document: Document, node: T & { $ref?: string }): T {
  if (node.$ref === undefined) return node;
  const parts = node.$ref.replace('#/', '').split('/');
  return parts.reduce<unknown>((parent, key) => (parent as Record<string, unknown>)[key], document) as T;
}

/** As the route prints it. */
export const documentOf = (app: App): Document => JSON.parse(JSON.stringify(app.swagger()));

export const operationsOf = (document: Document): Operation[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => readOperation(document, path, method, operation)),
  );

function readOperation(document: Document, path: string, method: string, raw: RawOperation): Operation {
  const { operationId, tags, summary, security, parameters = [], requestBody, responses } = raw;
  return {
    id: operationId,
    method: method.toUpperCase() as Operation['method'],
    path,
    collection: /^\/v1\/([^/]+)/.exec(path)?.[1] ?? '',
    hasId: path.includes('{id}'),
    tags,
    summary,
    permission: security?.[0]?.apiKey?.[0] ?? null,
    security,
    parameters: parameters.map((parameter) => followed<Parameter>(document, parameter)),
    body: requestBody?.content['application/json']?.schema ?? null,
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [status, followed<Response>(document, response)]),
    ),
  };
}

export const parametersIn = ({ parameters }: Operation, place: Parameter['in']): Parameter[] =>
  parameters.filter((parameter) => parameter.in === place);

/** The schema of an operation's body itself. */
export const bodySchema = (document: Document, { body }: Operation): JsonSchema | null =>
  body && followed<JsonSchema>(document, body);

/** Checks values against schemas of the document; '' where the value fits, else what speaks against it. */
export function schemaChecker(document: Document): (schema: JsonSchema, value: unknown) => string {
  const compiled = new Map<JsonSchema, ReturnType<typeof Schema.Compile>>();
  return (schema, value) => {
    const validator =
      compiled.get(schema) ?? Schema.Compile({ ...schema, components: document.components } as object);
    compiled.set(schema, validator);
    if (validator.Check(value)) return '';
    const [, errors] = validator.Errors(value);
    return errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
  };
}
