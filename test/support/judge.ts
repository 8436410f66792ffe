import { readFileSync } from 'node:fs';
import type { Answer } from './edge-app.ts';
import { type Document, type JsonSchema, type Operation, schemaChecker } from './openapi.ts';

const problem: JsonSchema = { $ref: '#/components/schemas/Problem' };

interface Content {
  status?: number;
  code?: string;
  requestId?: string;
  errors?: object[];
}

const documentedCodes = (): Set<string> => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  return new Set([...page.matchAll(/`([a-z_]+(?:\.[a-z_]+)?)`/g)].map(([, code = '']) => code));
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/**
 * Judges answers by the document: a 4xx or a success, never a 5xx; a status that the operation names; a body that fits
 * its schema; errors as problem documents with a code of `docs/errors.md`. Yields what is wrong, in words.
 */
export function judgeOf(document: Document): (operation: Operation, answer: Answer) => string[] {
  const check = schemaChecker(document);
  const codes = documentedCodes();

  const judgeProblem = ({ statusCode, headers, body }: Answer): string[] => {
    const content = parsed(body) as Content | undefined;
    const fault = check(problem, content);
    return [
      headers['content-type'] === 'application/problem+json' ? '' : `is ${headers['content-type']}`,
      fault && `no problem document: ${fault}`,
      content?.status === statusCode ? '' : `says ${content?.status} inside`,
      codes.has(content?.code ?? '') ? '' : `has the unknown code ${content?.code}`,
      content?.code === 'request.invalid' && !content.errors?.length ? 'names no field' : '',
      content?.requestId === headers['x-request-id'] ? '' : 'names another request',
    ];
  };

  const judgeSuccess = (operation: Operation, { statusCode, headers, body }: Answer): string[] => {
    const type = String(headers['content-type'] ?? 'application/json').split(';')[0] ?? '';
    const schema = operation.responses[statusCode]?.content?.[type]?.schema;
    if (schema === undefined) return [body === '' ? '' : 'has a body'];
    const fault = check(schema, type === 'application/json' ? parsed(body) : body);
    return [fault && `does not fit its schema: ${fault}`];
  };

  return (operation, answer) => {
    const { statusCode } = answer;
    const faults = statusCode >= 400 ? judgeProblem(answer) : judgeSuccess(operation, answer);
    return [
      statusCode >= 500 ? 'is our fault' : '',
      statusCode in operation.responses ? '' : 'is not documented',
      ...faults,
    ]
      .filter(Boolean)
      .map((fault) => `${statusCode} ${fault}`);
  };
}
