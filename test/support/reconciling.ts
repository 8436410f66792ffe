import { expect } from '@jest/globals';
import { versionFaults } from './changes.ts';
import { runJson } from './command-line.ts';
import { allocationFaults, ledgerFaults, quotaFaults } from './ledger.ts';
import type { TestService } from './service.ts';

export interface Reconciled {
  ok: boolean;
  applied: boolean;
  drifts: { class: string; found: number; left: number; examples: { subject: string }[] }[];
}

/** `reconcile` on the database of a service, with the settings of `env`. */
export const reconcile = (
  { database }: Pick<TestService, 'database'>,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
) => runJson<Reconciled>(['reconcile', ...flags], { DATABASE_URL: database.ownerUrl, ...env });

/** Changes the database as its owner can, past all triggers. */
export async function damage({ sql }: Pick<TestService, 'sql'>, statement: string): Promise<void> {
  const client = await sql.connect();
  await client.query(`SET session_replication_role = replica; ${statement}; RESET session_replication_role`);
  client.release();
}

/** That drift of this class is listed, then repaired, then gone; and that everything agrees in the end. */
export async function expectRepair(
  service: TestService,
  name: string,
  subjects: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const listed = await reconcile(service, ['--dry-run'], env);
  expect({ code: listed.code, ok: listed.answer.ok, applied: listed.answer.applied }).toEqual({
    code: 1,
    ok: false,
    applied: false,
  });
  const drift = listed.answer.drifts.find((found) => found.class === name);
  expect(drift?.examples.map(({ subject }) => subject).sort()).toEqual(subjects.toSorted());
  const applied = await reconcile(service, ['--apply'], env);
  expect(applied).toMatchObject({ code: 0, answer: { ok: true, applied: true } });
  const again = await reconcile(service, [], env);
  expect(again.answer.drifts.filter(({ found }) => found > 0)).toEqual([]);
  expect(again.code).toBe(0);
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await allocationFaults(service.sql)).toEqual([]);
  expect(await quotaFaults(service.sql)).toEqual([]);
  expect(await versionFaults(service.sql)).toEqual([]);
}
