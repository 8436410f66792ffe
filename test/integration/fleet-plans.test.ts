import { afterAll, beforeAll, expect, it } from '@jest/globals';
import sql, { type Sql } from 'sql-template-tag';
import { readRecords } from '../../src/modules/liveness/uptime/queries.ts';
import { readPoints } from '../../src/modules/metrics/points.ts';
import { readQuestion } from '../../src/modules/metrics/question.ts';
import { loadFleet } from '../bench/fleet.ts';
import { type Plan, planOf } from '../support/plan-of.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
  await loadFleet(service.sql, { providers: 400, gpus: 8000 }, () => {});
  await service.sql.query('UPDATE inventory.gpu_state SET deleted_at = now() WHERE seq % 4 = 0');
  await service.sql.query('VACUUM ANALYZE inventory.gpu_state');
});
afterAll(() => service.stop());

/** Takes statements down, and finds nothing. */
function recorder() {
  const asked: Sql[] = [];
  const rows = async (statement: Sql) => {
    asked.push(statement);
    return [];
  };
  return { asked, db: { rows, execute: async () => 0 } };
}

/** The statement that a question about usage is answered by. */
async function usageStatement(query: Record<string, unknown>): Promise<Sql> {
  const { asked, db } = recorder();
  const question = readQuestion({ metric: 'power', step: '1h', ...query }, { now: Date.now(), keepDays: 30 });
  await readPoints(db, { question, metricId: 1 }, sql`TRUE`, 10);
  return asked[0] as Sql;
}

const scans = (plan: Plan): string[] => [
  ...(plan['Index Name'] ? [plan['Index Name']] : []),
  ...(plan['Node Type'] === 'Seq Scan' ? [`all of ${plan['Relation Name']}`] : []),
  ...(plan.Plans ?? []).flatMap(scans),
];

it.each(['node', 'provider', 'model'])(
  'the GPUs of a %s are looked up, live and deleted ones, however many there are',
  async (what) => {
    const column = `${what}_id`;
    const { rows } = await service.sql.query(
      `SELECT ${column}::text AS id FROM inventory.gpu_state GROUP BY 1 ORDER BY count(*), 1 LIMIT 1`,
    );
    const plan = await planOf(
      service.sql,
      await usageStatement({ [`${what}Id`]: rows[0].id, groupBy: what }),
    );
    const found = scans(plan).filter((name) => name.includes('gpu_state'));
    expect(found.sort()).toEqual([`gpu_state_deleted_${what}_idx`, `gpu_state_${what}_id_idx`]);
  },
);

it('the uptime of a provider looks at nothing but its own', async () => {
  const { rows } = await service.sql.query('SELECT id FROM inventory.provider LIMIT 1');
  const { asked, db } = recorder();
  await readRecords(db, rows[0].id, { from: Date.now() - 86_400_000, until: Date.now() });
  const [lives, spans] = await Promise.all(asked.map((statement) => planOf(service.sql, statement)));
  expect(scans(lives as Plan)).toEqual(['node_provider_id_idx']);
  expect(scans(spans as Plan)).not.toContain('all of node');
});
