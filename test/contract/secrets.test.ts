import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { inTurns } from '../support/in-turns.ts';
import type { Operation } from '../support/openapi.ts';
import { requestOf } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

/** Members of answers that hold a secret, shown once. */
const secretMembers = ['key', 'apiKey', 'token', 'nonce'] as const;

let world: World;
let log: string[];
const secrets = new Set<string>();

/** Everything that a service does with secrets, at the most talkative level; then the log and the tables are read. */
beforeAll(async () => {
  log = [];
  world = await createWorld({ LOG_LEVEL: 'trace' }, (line) => log.push(line));
  for (const key of [world.operator, world.a.provider, world.a.agent, world.a.tenant]) secrets.add(key);
  const posts = world.operations.filter(({ method }) => method === 'POST');
  for (const operation of posts) remember(await call(requestFor(operation)));
  await enroll();
  await sendSecretsWhereTheyDoNotBelong();
  await fail();
});
afterAll(() => world.stop());

describe('of all secrets that were issued or sent', () => {
  it('there are enough to look for', () => {
    expect(secrets.size).toBeGreaterThan(10);
    expect(log.length).toBeGreaterThan(50);
  });

  it('none is in the log, whole or its secret part', () => {
    const text = log.join('');
    expect(found(text)).toEqual([]);
  });

  it('none that opens anything is in the database', async () => {
    // A nonce is no key: whoever may see the challenge may see it, and it is good for one answer.
    expect(found(await dump()).filter((secret) => !nonces.has(secret))).toEqual([]);
  });
});

describe('a line of the log', () => {
  it('is one JSON object, whatever callers call things', async () => {
    const forged = 'x\r\n{"level":60,"msg":"all is lost"}\u001b[2J\u2028';
    await world.service.as().post('/v1/tenants').send({ name: forged }).expect(201);
    await call({
      url: `/v1/nodes?${encodeURIComponent(forged)}=1`,
      headers: { authorization: `Bearer ${world.operator}` },
    });
    await call({
      url: '/v1/nothing%0A%7B%22level%22%3A60%7D',
      headers: { 'user-agent': 'x\u00e9', 'x-request-id': 'a{"b' },
    });
    const lines = log.join('').split('\n').filter(Boolean);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), time: expect.any(Number) });
    expect(lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
    expect(lines.filter((line) => JSON.parse(line).msg === 'all is lost')).toEqual([]);
  });

  it('tells who asked what, and how it ended', () => {
    const requests = log
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request');
    expect(requests.length).toBeGreaterThan(20);
    for (const line of requests)
      expect(line).toMatchObject({
        requestId: expect.any(String),
        method: expect.any(String),
        path: expect.not.stringContaining('?'),
        status: expect.any(Number),
        ip: expect.any(String),
      });
  });
});

const nonces = new Set<string>();

const call = (request: Call): Promise<Answer> => send(world.service.application.app, request);
const requestFor = (operation: Operation): Call =>
  requestOf(
    world.document,
    operation,
    world.a.objects,
    operation.permission === null ? null : world.operator,
  );

function remember({ body }: Answer): void {
  const answer = JSON.parse(body === '' ? '{}' : body);
  for (const member of secretMembers) {
    if (typeof answer[member] !== 'string') continue;
    secrets.add(answer[member]);
    if (member === 'nonce') nonces.add(answer[member]);
  }
}

/** What of a secret must not show: the whole, and the part that makes it one. */
const found = (text: string): string[] =>
  [...secrets].filter((secret) => text.includes(secret.replace(/^dpi_[a-z]+_\w{12}_/, '')));

async function enroll(): Promise<void> {
  const { body } = await world.service
    .as()
    .post(`/v1/providers/${world.a.objects.providers}/enrollment-tokens`)
    .send({})
    .expect(201);
  secrets.add(body.token);
  const payload = { token: body.token, hostname: `node-${randomUUID()}` };
  const enrolled = await call({ method: 'POST', url: '/v1/nodes/enroll', payload });
  secrets.add(JSON.parse(enrolled.body).apiKey);
  await call({ method: 'POST', url: '/v1/nodes/enroll', payload });
}

/** Good keys in wrong places, and wrong ones in the right place. */
async function sendSecretsWhereTheyDoNotBelong(): Promise<void> {
  const { operator } = world;
  const wrong = `dpi_live_${randomBytes(6).toString('hex')}_${randomBytes(25).toString('hex').slice(0, 49)}`;
  secrets.add(wrong);
  const authorization = `Bearer ${operator}`;
  await inTurns(
    [
      { url: '/v1/whoami', headers: { authorization: `Bearer ${wrong}` } },
      { url: '/v1/whoami', headers: { authorization: wrong } },
      { url: `/v1/whoami?key=${operator}`, headers: { authorization } },
      { url: `/v1/nodes/${operator}`, headers: { authorization } },
      { url: '/v1/whoami', headers: { 'x-api-key': operator, cookie: `key=${operator}` } },
      { method: 'POST', url: '/v1/tenants', headers: { authorization }, payload: { name: 7, key: operator } },
      {
        method: 'POST',
        url: '/v1/tenants',
        headers: { authorization, 'content-type': 'application/json' },
        payload: `{"name":"${operator}"`,
      },
      { method: 'POST', url: '/v1/nodes/enroll', payload: { token: wrong, hostname: 'host' } },
      {
        method: 'POST',
        url: `/v1/verifications/${world.a.objects.verifications}/evidence`,
        headers: { authorization },
        payload: { nonce: wrong, evidence: {} },
      },
    ],
    1,
    async (request) => void (await call(request)),
  );
}

/** Errors of the database, which quote what they were about. */
async function fail(): Promise<void> {
  const { sql } = world.service;
  await sql.query('ALTER TABLE inventory.api_key RENAME TO api_key_away');
  await call({ url: '/v1/api-keys', headers: { authorization: `Bearer ${world.operator}` } });
  await call({
    method: 'POST',
    url: '/v1/api-keys',
    headers: { authorization: `Bearer ${world.operator}` },
    payload: { name: 'x', role: 'viewer' },
  });
  await sql.query('ALTER TABLE inventory.api_key_away RENAME TO api_key');
}

/** Every row of every table as text, bytes as text too. */
async function dump(): Promise<string> {
  const { sql } = world.service;
  const { rows: tables } = await sql.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'inventory'::regnamespace AND c.relkind IN ('r', 'p')`,
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql.query<{ row: string }>(`SELECT t::text AS row FROM inventory."${name}" t`);
      return rows.map(({ row }) => row).join('\n');
    }),
  );
  const text = texts.join('\n');
  const bytes = [...text.matchAll(/\\x([0-9a-f]{32,})/g)].map(([, hex = '']) =>
    Buffer.from(hex, 'hex').toString('latin1'),
  );
  return [text, ...bytes].join('\n');
}
