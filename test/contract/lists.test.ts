import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { followed, type JsonSchema, type Operation, parametersIn } from '../support/openapi.ts';
import { requestOf, withQuery } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

interface Page {
  items: { id: string; [field: string]: unknown }[];
  nextCursor: string | null;
}

/** Rows of each list before a walk begins; of allocations, which need GPUs, there are fewer. */
const rows = 7;

let world: World;
beforeAll(async () => {
  world = await createWorld();
  for (let row = 0; row < rows; row += 1) await createOneOfEach();
  await addIncidents();
});
afterAll(() => world.stop());

const call = (request: Call): Promise<Answer> => send(world.service.application.app, request);
const requestFor = (operation: Operation): Call =>
  requestOf(world.document, operation, world.a.objects, world.operator);
const lists = () =>
  world.operations.filter((operation) =>
    parametersIn(operation, 'query').some(({ name }) => name === 'cursor'),
  );
const creations = () =>
  world.operations.filter(
    ({ method, path, collection }) => method === 'POST' && path === `/v1/${collection}`,
  );

async function createOneOfEach(): Promise<void> {
  for (const operation of creations()) await call(heartbeatInOrder(requestFor(operation)));
}

/** Nobody sends incidents: they are what silence leaves behind. */
const addIncidents = () =>
  world.service.sql.query(
    `INSERT INTO inventory.incident (id, node_id, provider_id, kind, started_at, ended_at)
     SELECT gen_random_uuid(), $1, $2, 'offline', now() - make_interval(hours => n), now() - make_interval(mins => n)
       FROM generate_series(1, $3::integer) AS n`,
    [world.a.objects.nodes, world.a.objects.providers, rows],
  );

let sequence = 1_000;
/** A heartbeat must go on from the one before. */
const heartbeatInOrder = (request: Call): Call => {
  if (request.url !== '/v1/heartbeats') return request;
  sequence += 1;
  return { ...request, payload: { ...(request.payload as object), sequence } };
};

async function pageOf(
  operation: Operation,
  query: string,
): Promise<{ page: Page; link: string | undefined }> {
  const { statusCode, headers, body } = await call(withQuery(requestFor(operation), query));
  expect([operation.id, query, statusCode]).toEqual([operation.id, query, 200]);
  return { page: JSON.parse(body), link: headers.link as string | undefined };
}

/** All ids in the order of the walk. */
async function walk(
  operation: Operation,
  query: string,
  between: () => Promise<void> = async () => {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const { page, link } = await pageOf(
      operation,
      `${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? '';
    const linked = /^<(.+)>; rel="next"$/.exec(link ?? '')?.[1];
    expect([operation.id, linked && new URL(linked, 'http://x').searchParams.get('cursor')]).toEqual([
      operation.id,
      cursor || undefined,
    ]);
    await between();
  } while (cursor !== '');
  return ids;
}

/** What `sort` may be, of its documented pattern: each field, in both directions. */
function sortsOf(operation: Operation): string[] {
  const pattern = parametersIn(operation, 'query').find(({ name }) => name === 'sort')?.schema.pattern ?? '';
  const fields = /^\^-\?\(([^)]+)\)/.exec(pattern)?.[1]?.split('|') ?? [];
  return fields.flatMap((field) => [field, `-${field}`]);
}

const distinct = (ids: readonly string[]): string[] => [...new Set(ids)];

describe('every list', () => {
  it('is walked in any documented order, each row once, by cursor and by Link', async () => {
    for (const operation of lists()) {
      const all = (await walk(operation, 'limit=500')).toSorted();
      expect(sortsOf(operation).length).toBeGreaterThan(1);
      for (const sort of sortsOf(operation)) {
        const ids = await walk(operation, `sort=${sort}&limit=${Math.max(3, Math.ceil(all.length / 4))}`);
        expect([operation.id, sort, ids.toSorted()]).toEqual([operation.id, sort, all]);
      }
    }
  });

  it('goes the other way with a minus', async () => {
    for (const operation of lists()) {
      for (const sort of sortsOf(operation).filter((name) => !name.startsWith('-'))) {
        const [up, down] = [
          await walk(operation, `sort=${sort}&limit=500`),
          await walk(operation, `sort=-${sort}&limit=500`),
        ];
        const hasNulls = JSON.stringify(
          (await pageOf(operation, 'limit=500')).page.items.map((item) => item[sort]),
        ).includes('null');
        if (!hasNulls) expect([operation.id, sort, down]).toEqual([operation.id, sort, up.toReversed()]);
      }
    }
  });

  it('shows under concurrent writes what was there throughout exactly once', async () => {
    for (const operation of lists()) {
      const create = creations().find(({ collection }) => collection === operation.collection);
      const write = async () => {
        if (create) await Promise.all([1, 2].map(() => call(heartbeatInOrder(requestFor(create)))));
      };
      for (const sort of sortsOf(operation)) {
        const before = await walk(operation, `sort=${sort}&limit=500`);
        let writes = 0;
        const seen = await walk(
          operation,
          `sort=${sort}&limit=${Math.max(3, Math.ceil(before.length / 3))}`,
          async () => {
            writes += 1;
            // A list that grows as fast as it is walked has no end.
            if (writes <= 2) await write();
          },
        );
        expect([operation.id, sort, seen.length]).toEqual([operation.id, sort, distinct(seen).length]);
        expect([operation.id, sort, before.filter((id) => !seen.includes(id))]).toEqual([
          operation.id,
          sort,
          [],
        ]);
      }
    }
  });

  it('leaves out all but the fields that are asked for', async () => {
    for (const operation of lists()) {
      const page = followed<JsonSchema>(
        world.document,
        operation.responses['200']?.content?.['application/json']?.schema ?? {},
      );
      const item = followed<JsonSchema>(world.document, page.properties?.items?.items ?? {});
      const [full] = (await pageOf(operation, 'limit=1')).page.items;
      for (const field of Object.keys(item.properties ?? {}).filter((name) => full && name in full)) {
        const { items } = (await pageOf(operation, `fields=${field}&limit=1`)).page;
        expect([operation.id, Object.keys(items[0] ?? {}).toSorted()]).toEqual([
          operation.id,
          distinct(['id', field]).toSorted(),
        ]);
      }
    }
  });

  it('takes a cursor back with the filters and the order that it was made for, and from nobody else', async () => {
    for (const operation of lists()) {
      const cursor = (await pageOf(operation, 'limit=1&sort=id')).page.nextCursor ?? '';
      expect(cursor).not.toBe('');
      const middle = cursor[9] === 'A' ? 'B' : 'A';
      const isDated = parametersIn(operation, 'query').some(({ name }) => name === 'createdAt.gt');
      const spoilt = [
        `sort=-id&cursor=${cursor}`,
        `cursor=${cursor.slice(0, -2)}`,
        `cursor=${cursor.slice(0, 9)}${middle}${cursor.slice(10)}`,
        ...(isDated ? [`cursor=${cursor}&createdAt.gt=2020-01-01T00:00:00Z`] : []),
      ];
      for (const query of spoilt) {
        const { statusCode, body } = await call(withQuery(requestFor(operation), query));
        const code = 'request.invalid_cursor';
        expect([operation.id, query, statusCode, JSON.parse(body).code]).toEqual([
          operation.id,
          query,
          400,
          code,
        ]);
      }
      const other = lists().find(({ collection }) => collection !== operation.collection) as Operation;
      const elsewhere = await call(withQuery(requestFor(other), `cursor=${cursor}`));
      expect([operation.id, elsewhere.statusCode]).toEqual([operation.id, 400]);
    }
  });
});
