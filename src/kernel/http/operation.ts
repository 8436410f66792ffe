import { problemResponses } from './schemas.ts';

/** What every documented operation carries: `...operation('listGpus', 'gpus', 'Search GPUs')`. */
export const operation = (operationId: string, tag: string, summary: string, description?: string) => ({
  operationId,
  tags: [tag],
  summary,
  ...(description === undefined ? {} : { description }),
});

/** Problem answers of a read: `{ 200: …, ...readProblems(404) }`. */
export const readProblems = <const S extends readonly number[]>(...more: S) =>
  problemResponses(400, 401, 403, 406, 429, 500, 503, ...more);

/** Problem answers of a POST or PUT with a body. */
export const writeProblems = <const S extends readonly number[]>(...more: S) =>
  problemResponses(400, 401, 403, 406, 409, 413, 415, 422, 429, 500, 503, ...more);

/** Problem answers of a PATCH, a DELETE or an action, which name the version that they were made for. */
export const changeProblems = <const S extends readonly number[]>(...more: S) =>
  problemResponses(400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428, 429, 500, 503, ...more);
