import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { createSweepers, ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { outcome, parallel, tally } from '../support/outcomes.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { seeded } from '../support/seeded.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());

describe('parallel claims', () => {
  it('for one GPU: exactly one of 200 gets it, the others are told that it is taken', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const replies = await parallel(200, () => claim(tenant.key, { gpuIds }));
    expect(tally(replies)).toEqual({ '201': 1, '409 gpu.unavailable': 199 });
    expect(
      replies.filter(({ status }) => status === 409).every(({ body }) => body.gpuIds[0] === gpuIds[0]),
    ).toBe(true);
    expect(await allocationsOf(gpuIds)).toBe(1);
  });

  it('for four of sixteen GPUs, overlapping: nobody gets a part, nobody deadlocks, somebody wins', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 16 });
    const wants = Array.from({ length: 50 }, (_, at) =>
      [0, 1, 2, 3].map((step) => gpuIds[(at * 5 + step * 3) % 16]),
    );
    const replies = await parallel(50, (at) => claim(tenant.key, { gpuIds: wants[at]?.reverse() }));
    const { '201': winners = 0, ...others } = tally(replies);
    expect(winners).toBeGreaterThanOrEqual(1);
    expect(winners).toBeLessThanOrEqual(4);
    expect(others).toEqual({ '409 gpu.unavailable': 50 - winners });
    expect(await liveUnits(gpuIds)).toBe(winners * 4 * 1000);
  });

  it('by request for four of sixteen: exactly four are served, whatever the others had locked meanwhile', async () => {
    const { node, tenant } = await openNode(service, { gpus: 16 });
    const request = { count: 4, filter: { nodeId: node.id } };
    const replies = await parallel(50, () => claim(tenant.key, { request }));
    expect(tally(replies)).toEqual({ '201': 4, '409 allocation.no_capacity': 46 });
  });

  it('by request for one of eight on one node: eight are served', async () => {
    const { node, tenant } = await openNode(service, { gpus: 8 });
    const request = { count: 1, filter: { nodeId: node.id } };
    const replies = await parallel(100, () => claim(tenant.key, { request }));
    expect(tally(replies)).toEqual({ '201': 8, '409 allocation.no_capacity': 92 });
  });

  it('by request for whole nodes: each node goes to one, none is split', async () => {
    const tenant = await createTenant(service);
    const label = randomUUID();
    const nodes = [];
    for (let at = 0; at < 3; at++)
      nodes.push(await openNode(service, { gpus: 4, input: { labels: { race: label } } }));
    const request = { count: 3, filter: { labels: { race: label } }, sameNode: true };
    const replies = await parallel(12, () => claim(tenant.key, { request }));
    expect(tally(replies)).toEqual({ '201': 3, '409 allocation.no_capacity': 9 });
    const hosts = replies.flatMap(({ body }) =>
      body.gpus ? [new Set(body.gpus.map((gpu: Gpu) => gpu.nodeId))] : [],
    );
    expect(hosts.map(({ size }) => size)).toEqual([1, 1, 1]);
  });

  it('for shares of one GPU: as many as fit into the whole', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const replies = await parallel(30, () => claim(tenant.key, { gpuIds, share: 300 }));
    expect(tally(replies)).toEqual({ '201': 3, '409 gpu.unavailable': 27 });
    expect(await liveUnits(gpuIds)).toBe(900);
  });

  it('with one Idempotency-Key: one allocation, which all are told of in the end', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const key = randomUUID();
    const send = () => claim(tenant.key, { gpuIds }).set('idempotency-key', key);
    const first = await parallel(20, send);
    for (const reply of first) expect(['201', '409 idempotency.in_progress']).toContain(outcome(reply));
    const again = await parallel(20, send);
    expect(tally(again)).toEqual({ '201': 20 });
    expect(new Set([...first, ...again].flatMap(({ body }) => body.id ?? [])).size).toBe(1);
    expect(await allocationsOf(gpuIds)).toBe(1);
  });

  it('for GPUs whose hold is over: the first one ends it, and one gets them', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 2 });
    const { body: hold } = await claim(tenant.key, { gpuIds, holdTtlS: 60 });
    await setDeadline(service.sql, hold.id, -1);
    const replies = await parallel(20, () => claim(tenant.key, { gpuIds }));
    expect(tally(replies)).toEqual({ '201': 1, '409 gpu.unavailable': 19 });
    expect(await changesOf(hold.id)).toEqual(['allocation.created', 'allocation.expired']);
  });
});

describe('a claim that waits for a locked GPU', () => {
  it('sees the drain that committed meanwhile', async () => {
    const { gpuIds, tenant, node } = await openNode(service, { gpus: 2 });
    const reply = await whileLocked(
      'UPDATE inventory.gpu_state SET blocks = blocks | 8 WHERE node_id = $1',
      node.id,
      () => claim(tenant.key, { gpuIds }),
    );
    expect(outcome(reply)).toBe('409 gpu.unschedulable');
    expect(reply.body.gpus).toEqual(gpuIds.map((gpuId) => ({ gpuId, reasons: ['node_draining'] })));
  });

  it('sees the higher price: a request with a limit does not pay it', async () => {
    const { tenant, node } = await openNode(service, { gpus: 1, input: { pricePerHourNanoUsd: '5' } });
    const request = { count: 1, filter: { nodeId: node.id, maxPricePerHourNanoUsd: '5' } };
    const raise = 'UPDATE inventory.gpu_state SET price_per_hour_nano_usd = 6 WHERE node_id = $1';
    const reply = await whileLocked(raise, node.id, () => claim(tenant.key, { request }));
    expect(outcome(reply)).toBe('409 allocation.no_capacity');
  });

  it('is served by request where the lock came to nothing', async () => {
    const { tenant, node } = await openNode(service, { gpus: 1 });
    const request = { count: 1, filter: { nodeId: node.id } };
    const touch = 'UPDATE inventory.gpu_state SET region = region WHERE node_id = $1';
    const reply = await whileLocked(touch, node.id, () => claim(tenant.key, { request }));
    expect(outcome(reply)).toBe('201');
  });

  it('gives up after the lock time-out, as one that lost', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const owner = await service.sql.connect();
    await owner.query('BEGIN');
    await owner.query('SELECT FROM inventory.gpu_state WHERE gpu_id = $1 FOR UPDATE', [gpuIds[0]]);
    const reply = await claim(tenant.key, { gpuIds });
    await owner.query('ROLLBACK');
    owner.release();
    expect(outcome(reply)).toBe('409 gpu.unavailable');
    expect(reply.body.gpuIds).toEqual(gpuIds);
  });
});

describe('one allocation', () => {
  it('is released once by twenty releases', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 4 });
    const { body } = await claim(tenant.key, { gpuIds });
    const replies = await parallel(20, () => act(tenant.key, body.id, 'release'));
    expect(tally(replies)).toEqual({ '200': 20 });
    for (const reply of replies) expect(reply.body).toEqual(replies[0]?.body);
    expect(await changesOf(body.id)).toEqual(['allocation.created', 'allocation.released']);
  });

  it('is either confirmed or released first, and released in the end', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 2 });
    const { body } = await claim(tenant.key, { gpuIds, holdTtlS: 60 });
    const [confirmed, released] = await Promise.all([
      act(tenant.key, body.id, 'confirm'),
      act(tenant.key, body.id, 'release'),
    ]);
    expect(released.status).toBe(200);
    expect(['200', '409 allocation.illegal_transition']).toContain(outcome(confirmed));
    expect(await stateOf(body.id)).toBe('released');
  });

  it('is either confirmed in time or expired, never both, while two replicas sweep', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 24 });
    const replicas = [createSweepers(service), createSweepers(service)];
    const holds = await Promise.all(
      gpuIds.map((gpuId) => claim(tenant.key, { gpuIds: [gpuId], holdTtlS: 60 })),
    );
    const replies = await Promise.all(
      holds.map(async ({ body }, at) => {
        await setDeadline(service.sql, body.id, at * 3);
        const [reply] = await Promise.all([
          act(tenant.key, body.id, 'confirm'),
          ...replicas.map(({ expiry }) => expiry.sweep()),
        ]);
        return { id: body.id, outcome: outcome(reply) };
      }),
    );
    await until('nothing is due', async () => (await holdsAboutToEnd()) === 0);
    for (const { expiry } of replicas) await expiry.sweep();
    for (const { id, outcome: answered } of replies) {
      const confirmed = answered === '200';
      expect([answered, await stateOf(id)]).toEqual(
        confirmed ? ['200', 'active'] : ['409 allocation.hold_expired', 'expired'],
      );
      const ending = confirmed ? 'allocation.confirmed' : 'allocation.expired';
      expect(await changesOf(id)).toEqual(['allocation.created', ending]);
    }
    await Promise.all(replicas.map(({ close }) => close()));
  });
});

describe('two sweepers', () => {
  it('end fifty holds once each', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 50 });
    const holds = await Promise.all(
      gpuIds.map((gpuId) => claim(tenant.key, { gpuIds: [gpuId], holdTtlS: 60 })),
    );
    await Promise.all(holds.map(({ body }) => setDeadline(service.sql, body.id, -1)));
    const replicas = [createSweepers(service), createSweepers(service)];
    const ended = await Promise.all([...replicas, ...replicas].map(({ expiry }) => expiry.sweep()));
    const rest = await replicas[0]?.expiry.sweep();
    expect(ended.reduce((sum, count) => sum + count, rest ?? 0)).toBe(50);
    for (const { body } of holds)
      expect(await changesOf(body.id)).toEqual(['allocation.created', 'allocation.expired']);
    await Promise.all(replicas.map(({ close }) => close()));
  });
});

describe('a thousand random claims, holds, confirmations, extensions, releases, failures and repairs', () => {
  it('leave 0 ≤ used ≤ total, and every counter as the ledger has it', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 8 });
    const random = seeded(20_261_121);
    const any = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
    const live: string[] = [];
    const steps: Record<string, () => Promise<{ status: number; body: { id?: string } }>> = {
      claim: () => claim(tenant.key, { gpuIds: [...new Set([any(gpuIds), any(gpuIds)])] }),
      share: () => claim(tenant.key, { gpuIds: [any(gpuIds)], share: any([1, 250, 500, 999]) }),
      hold: () => claim(tenant.key, { request: { count: any([1, 2, 3]) }, holdTtlS: 60 }),
      confirm: () => act(tenant.key, any(live) ?? randomUUID(), 'confirm'),
      extend: () => act(tenant.key, any(live) ?? randomUUID(), 'extend'),
      release: () => act(tenant.key, any(live) ?? randomUUID(), 'release'),
      fail: () => gate(any(gpuIds), 'blocks | 256'),
      repair: () => gate(any(gpuIds), 'blocks & ~256'),
      expire: async () => {
        if (live.length > 0) await setDeadline(service.sql, any(live), -1);
        return { status: 200, body: {} };
      },
    };
    const names = Object.keys(steps);
    const lane = async () => {
      for (let step = 0; step < 125; step++) {
        const { status, body } = await (steps[any([...names, 'release'])] as (typeof steps)[string])();
        expect([200, 201, 404, 409]).toContain(status);
        if (status === 201 && body.id) live.push(body.id);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    expect(live.length).toBeGreaterThan(50);
    expect(await ledgerFaults(service.sql)).toEqual([]);
  });
});

it('leaves ledger, counters and allocations in agreement', async () => {
  expect(await disagreements(service.sql)).toEqual([]);
  const { rows } = await service.sql.query(
    `SELECT s.gpu_id, s.version, count(c.*) FROM inventory.gpu_state s
       LEFT JOIN inventory.change c ON c.subject_type = 'gpu' AND c.subject_id = s.gpu_id::text
      GROUP BY s.gpu_id HAVING s.version <> count(c.*)`,
  );
  expect(rows).toEqual([]);
});

interface Gpu {
  nodeId: string;
}

const claim = (key: string, body: object) => service.as(key).post('/v1/allocations').send(body);
const act = (key: string, id: string, action: string) =>
  service.as(key).post(`/v1/allocations/${id}/${action}`);

/** Makes a change of a node's GPUs, lets the work run into its locks, then commits. */
async function whileLocked<T>(change: string, nodeId: string, work: () => PromiseLike<T>): Promise<T> {
  const owner = await service.sql.connect();
  await owner.query('BEGIN');
  await owner.query(change, [nodeId]);
  const result = Promise.resolve(work());
  await until('the claim waits', async () => {
    const { rows } = await service.sql.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await owner.query('COMMIT');
  owner.release();
  return result;
}

async function gate(gpuId: string, blocks: string): Promise<{ status: number; body: object }> {
  await service.sql.query(`UPDATE inventory.gpu_state SET blocks = ${blocks} WHERE gpu_id = $1`, [gpuId]);
  return { status: 200, body: {} };
}

const count = async (query: string, ...values: unknown[]): Promise<number> =>
  Number((await service.sql.query(query, values)).rows[0].n);

const allocationsOf = (gpuIds: string[]) =>
  count(
    'SELECT count(DISTINCT allocation_id) AS n FROM inventory.allocation_gpu WHERE gpu_id = ANY($1)',
    gpuIds,
  );

const liveUnits = (gpuIds: string[]) =>
  count(
    'SELECT sum(units) AS n FROM inventory.allocation_gpu WHERE gpu_id = ANY($1) AND released_at IS NULL',
    gpuIds,
  );

const holdsAboutToEnd = () =>
  count(`SELECT count(*) AS n FROM inventory.allocation WHERE state = 'held' AND held_until > clock_timestamp()
           AND held_until < clock_timestamp() + interval '5 s'`);

async function stateOf(id: string): Promise<string> {
  const { rows } = await service.sql.query('SELECT state FROM inventory.allocation WHERE id = $1', [id]);
  return rows[0].state;
}

async function changesOf(id: string): Promise<string[]> {
  const { rows } = await service.sql.query(
    'SELECT type FROM inventory.change WHERE subject_id = $1 ORDER BY version',
    [id],
  );
  return rows.map(({ type }: { type: string }) => type);
}
