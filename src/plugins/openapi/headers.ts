const integer = (description: string, minimum = 0) => ({
  description,
  schema: { type: 'integer', minimum, maximum: 2_147_483_647 },
});

const text = (description: string, example: string, maxLength = 1000) => ({
  description,
  schema: { type: 'string', maxLength, examples: [example] },
});

/** Headers of answers, by name. */
export const responseHeaders = {
  'X-Request-Id': text('As sent by the caller, else made here; also in logs and problems.', 'req-7f3a'),
  'Access-Control-Allow-Origin': text(
    'Where `CORS_ORIGIN` lets browsers of other sites in.',
    'https://a.example',
  ),
  RateLimit: text('What is left in this window, and the seconds until it ends.', '"read";r=5999;t=42'),
  'RateLimit-Policy': text('Quota and window in seconds.', '"read";q=6000;w=60'),
  'Retry-After': integer('Seconds to wait before the next try.', 1),
  'WWW-Authenticate': text('How to authenticate.', 'Bearer'),
  ETag: text('`"<version>"`, to be sent back as `If-Match` or `If-None-Match`.', '"3"'),
  Location: text('Address of what was made.', '/v1/nodes/0190a5c2-0000-7000-8000-00000000000a'),
  Link: text('Address of the next page (RFC 8288).', '</v1/nodes?cursor=…>; rel="next"', 8192),
  'Idempotency-Replayed': text('`true` where this is the kept answer of an earlier request.', 'true'),
};

const parameter = (name: string, description: string, example: string, maxLength: number) => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string', maxLength, examples: [example] },
});

/** Headers of requests, by the name of their component. */
export const requestHeaders = {
  RequestId: parameter('X-Request-Id', 'Names this request in logs and problems.', 'req-7f3a', 64),
  IdempotencyKey: parameter(
    'Idempotency-Key',
    'Makes a repeated request safe: the first answer is kept for 24 hours. 1–255 visible ASCII characters.',
    'b2f1c9a4',
    257,
  ),
  IfMatch: {
    ...parameter('If-Match', '`"<version>"` that the change was made for; `*` takes any.', '"3"', 200),
    required: true,
  },
  IfMatchOptional: parameter('If-Match', '`"<version>"` that the action was meant for.', '"3"', 200),
  IfNoneMatch: parameter('If-None-Match', '304 while the object still has this version.', '"3"', 1000),
};

type HeaderName = keyof typeof responseHeaders;

/** References to documented headers. */
export const headerRefs = (...names: HeaderName[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** Headers of every answer. */
export const everywhere = headerRefs(
  'X-Request-Id',
  'Access-Control-Allow-Origin',
  'RateLimit',
  'RateLimit-Policy',
);

/** Headers that a status brings along. */
export const headersOfStatus: Readonly<Record<string, object>> = {
  201: headerRefs('Location'),
  401: headerRefs('WWW-Authenticate'),
  412: headerRefs('ETag'),
  429: headerRefs('Retry-After'),
  503: headerRefs('Retry-After'),
};
