import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, openSocket, send, sendRaw } from '../../../test/support/edge-app.ts';
import { IdParams, Uuid } from '../../kernel/http/params.ts';
import { batchBodyLimit } from '../../kernel/http/schemas.ts';
import type { App } from './server.ts';

let app: App;

async function setup(options: Parameters<typeof edgeApp>[0] = {}): Promise<void> {
  app = await edgeApp(options);
  const body = Type.Object({ ids: Type.Array(Uuid()) }, { additionalProperties: false });
  app.get('/things/:id', { schema: { params: IdParams } }, ({ params }) => params);
  app.post('/things', { schema: { body } }, ({ body: sent }) => sent);
  app.post('/batch', { bodyLimit: batchBodyLimit }, () => ({}));
  app.get('/address', ({ ip }) => ({ ip }));
}

beforeEach(() => setup());
afterEach(() => app.close());

/** Status line, header names and problem document of an answer that was read as bytes. */
function problemIn(text: string): Record<string, unknown> {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head).toContain('content-type: application/problem+json');
  return { line: head.split('\r\n')[0], ...JSON.parse(body) };
}

describe('what never becomes a request', () => {
  const host = 'Host: a\r\n';

  it.each([
    ['an unknown method', `NONSENSE / HTTP/1.1\r\n${host}\r\n`],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['bytes of TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
    [
      'both lengths',
      `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`],
    ['a folded header', `GET / HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`],
    ['a header with a bare line feed', `GET / HTTP/1.1\n${host}X-A: b\n\n`],
    ['a space before the colon', `GET / HTTP/1.1\r\n${host}X-A : b\r\n\r\n`],
    [
      'a broken chunk',
      `POST /things HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
  ])('is answered 400: %s', async (_name, bytes) => {
    expect(problemIn(await sendRaw(app, bytes))).toMatchObject({
      line: 'HTTP/1.1 400 Bad Request',
      status: 400,
      code: 'request.malformed',
      requestId: expect.any(String),
    });
  });

  it('is answered 431 when the headers are too large', async () => {
    const bytes = `GET / HTTP/1.1\r\n${host}X-A: ${'a'.repeat(20_000)}\r\n\r\n`;
    expect(problemIn(await sendRaw(app, bytes))).toMatchObject({
      status: 431,
      code: 'request.headers_too_large',
    });
  });

  it('is answered 431 when the path is larger than the headers may be', async () => {
    const bytes = `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`;
    expect(problemIn(await sendRaw(app, bytes))).toMatchObject({ status: 431 });
  });

  it.each([
    ['headers', { headersTimeoutMs: 50, requestTimeoutMs: 100 }, 'GET / HTTP/1.1\r\nHost: a\r\nX-'],
    [
      'body',
      { requestTimeoutMs: 50, headersTimeoutMs: 50 },
      'POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
  ])('is answered 408 when its %s does not arrive in time', async (_name, limits, bytes) => {
    await app.close();
    await setup(limits);
    expect(problemIn(await sendRaw(app, bytes))).toMatchObject({ status: 408, code: 'request.timeout' });
  });

  it('is answered 417 when it expects what we do not do', async () => {
    const bytes = `GET /address HTTP/1.1\r\n${host}Expect: a-miracle\r\n\r\n`;
    expect(problemIn(await sendRaw(app, bytes))).toMatchObject({
      status: 417,
      code: 'request.expectation_failed',
    });
  });

  it('is answered 405 when it asks for a tunnel', async () => {
    expect(problemIn(await sendRaw(app, `CONNECT a:443 HTTP/1.1\r\n${host}\r\n`))).toMatchObject({
      status: 405,
    });
  });

  it('leaves a response alone that has begun', async () => {
    app.get('/begun', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-length': 4 });
      reply.raw.write('ab');
    });
    const { socket, received } = await openSocket(app, `GET /begun HTTP/1.1\r\n${host}\r\n`);
    await once(socket, 'data');
    socket.write('nonsense\r\n\r\n');
    expect((await received).match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});

describe('limits of a request', () => {
  const post = (url: string, bytes: number) =>
    send(app, { method: 'POST', url, payload: { a: 'x'.repeat(bytes) } });

  it('are 256 KiB for a body, and 1 MiB where a route asks for it', async () => {
    expect((await post('/things', 262_144)).statusCode).toBe(413);
    expect((await post('/batch', 262_144)).statusCode).toBe(200);
    expect((await post('/batch', 1_048_576)).statusCode).toBe(413);
  });

  it('hold for a body that does not say its length', async () => {
    const chunk = `${(300_000).toString(16)}\r\n${'x'.repeat(300_000)}\r\n`;
    const head =
      'POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await sendRaw(app, head + chunk)).toContain('HTTP/1.1 413');
  });
});

describe('an id', () => {
  const id = '0190F7C2-AAAA-7000-8000-00000000000A';

  it.each([id, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])(
    'is any RFC 9562 text and read in lower case: %s',
    async (given) => {
      expect(JSON.parse((await send(app, `/things/${given}`)).body)).toEqual({ id: given.toLowerCase() });
    },
  );

  it('is read in lower case in a body too', async () => {
    const reply = await send(app, { method: 'POST', url: '/things', payload: { ids: [id] } });
    expect(JSON.parse(reply.body)).toEqual({ ids: [id.toLowerCase()] });
  });

  it.each([`{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', ''), `${id}%20`, `${id}0`, 'x', ''])(
    'is not %s',
    async (given) => {
      expect(JSON.parse((await send(app, `/things/${given}`)).body)).toMatchObject({
        status: 400,
        code: 'request.invalid',
        errors: [{ pointer: 'id' }],
      });
    },
  );
});

describe('the address of a caller', () => {
  const headers = {
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'x-real-ip': '203.0.113.9',
  };
  const seen = async () => JSON.parse((await send(app, { url: '/address', headers })).body).ip;

  it('is the peer, whatever the headers say', async () => {
    expect(await seen()).toBe('127.0.0.1');
  });

  it('is what a trusted proxy says', async () => {
    await app.close();
    await setup({ trustProxy: ['127.0.0.0/8'] });
    expect(await seen()).toBe('203.0.113.9');
  });
});
