import AjvCompiler, { type Ajv, type ValidatorFactory } from '@fastify/ajv-compiler';
import type { FastifySchemaValidationError } from 'fastify';
import type { FastifyRouteSchemaDef, FastifyValidationResult } from 'fastify/types/schema.js';
import { lowerCaseKeyword } from '../../kernel/http/params.ts';
import { toPointer } from '../../kernel/http/pointer.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { lazily } from './lazily.ts';

/** A body longer than this is answered with its first fault alone: a megabyte of empty items has millions. */
const explainableLength = 16_384;

const shared = { removeAdditional: false, useDefaults: true, allowUnionTypes: true } as const;

type ExternalSchemas = Parameters<ReturnType<typeof AjvCompiler>>[0];
type Route = Pick<FastifyRouteSchemaDef<unknown>, 'schema' | 'httpPart'>;

interface Validate {
  (data: unknown): boolean;
  errors?: FastifySchemaValidationError[] | null;
}

type Compile = (route: Route) => Validate;

/** Numbers as JSON writes them: JavaScript also takes ` 5`, `0x10` and `5.`, and `1e2` for a whole one. */
const writtenAs: Readonly<Record<string, RegExp>> = {
  integer: /^-?(?:0|[1-9]\d*)$/,
  number: /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/,
};

interface DataContext {
  parentData: Record<string | number, unknown>;
  parentDataProperty: string | number;
}

function extend(ajv: Ajv): void {
  ajv.addFormat('date-time', (text) => parseTimestamp(text) !== undefined);
  ajv.addKeyword({
    keyword: lowerCaseKeyword,
    type: 'string',
    schemaType: 'boolean',
    modifying: true,
    validate(_on: boolean, text: string, _schema?: unknown, context?: DataContext) {
      if (context) context.parentData[context.parentDataProperty] = text.toLowerCase();
      return true;
    },
  });
}

/** Checks up to the first fault, and collects all of them when there is one and the body is small. */
function bodyValidator(route: Route, compile: Compile, compileAll: Compile): FastifyValidationResult {
  const validate = compile(route);
  return (body: unknown) => {
    if (validate(body)) return true;
    const explains = JSON.stringify(body).length <= explainableLength ? compileAll(route) : validate;
    explains(body);
    return { error: explains.errors ?? [] };
  };
}

/** The parameters of a schema that are numbers, and how they are written. */
function numbersIn(schema: unknown): { name: string; type: string; pattern: RegExp }[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  return Object.entries(properties).flatMap(([name, { type = '' }]) => {
    const pattern = writtenAs[type];
    return pattern ? [{ name, type, pattern }] : [];
  });
}

/** A number of more than 308 digits would be infinity, which no maximum of AJV's stops. */
const isNumber = (text: string, pattern: RegExp): boolean =>
  pattern.test(text) && Number.isFinite(Number(text));

/** Parameters and headers come as text; AJV turns it into numbers, once it is known to be written like one. */
function textValidator(route: Route, compile: Compile): FastifyValidationResult {
  const validate = compile(route);
  const numbers = numbersIn(route.schema);
  return (given: Record<string, unknown>) => {
    const odd = numbers.find(({ name, pattern }) => name in given && !isNumber(String(given[name]), pattern));
    if (odd === undefined) return validate(given) ? true : { error: validate.errors ?? [] };
    const { name, type } = odd;
    return {
      error: [{ keyword: 'type', instancePath: toPointer([name]), schemaPath: '', params: { type } }],
    };
  };
}

function compilersOf(externalSchemas: ExternalSchemas) {
  const build = AjvCompiler();
  // The library's types say that its compilers take a schema; Fastify and the code agree on the route's definition.
  const compiler = (customOptions: object) =>
    build(externalSchemas, {
      customOptions: { ...shared, ...customOptions },
      onCreate: extend,
    }) as unknown as Compile;
  // A list takes hundreds of parameters: optimising such a validator took four times what it takes to compile it.
  const ofText = compiler({ coerceTypes: true, allErrors: true, code: { optimize: false } });
  const ofBody = compiler({ coerceTypes: false });
  const ofBodyAll = compiler({ coerceTypes: false, allErrors: true });

  return (route: Route): FastifyValidationResult =>
    lazily(() =>
      route.httpPart === 'body' ? bodyValidator(route, ofBody, ofBodyAll) : textValidator(route, ofText),
    );
}

/**
 * Makes the `buildValidator` of one Fastify instance, which Fastify calls once for each route. Bodies are taken as
 * they are; parameters and headers come as text and are turned into numbers and booleans; unknown properties are
 * never dropped in silence.
 */
export function validatorFactory(): ValidatorFactory {
  const pool = new Map<string, ReturnType<typeof compilersOf>>();
  const build = (externalSchemas: ExternalSchemas) => {
    const key = JSON.stringify(externalSchemas);
    const compilers = pool.get(key) ?? compilersOf(externalSchemas);
    pool.set(key, compilers);
    return compilers;
  };
  return build as unknown as ValidatorFactory;
}
