import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand, runJson } from '../support/command-line.ts';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

async function migrate(...args: string[]): Promise<{ code: number; result: Record<string, unknown[]> }> {
  const { code, answer } = await runJson<Record<string, unknown[]>>(['migrate', ...args], {
    DATABASE_URL: database.ownerUrl,
  });
  return { code, result: answer };
}

describe('migrate', () => {
  it('tells by its exit code whether anything is pending', async () => {
    expect(await migrate('status')).toMatchObject({ code: 0, result: { pending: [], invalid: [] } });
    const { code, result } = await migrate('down', '--steps=2');
    expect(code).toBe(0);
    expect(result.undone).toHaveLength(2);
    expect(await migrate('status')).toMatchObject({
      code: 3,
      result: { pending: [...(result.undone ?? [])].reverse() },
    });
    expect(await migrate('up')).toMatchObject({
      code: 0,
      result: { applied: [...(result.undone ?? [])].reverse() },
    });
    expect(await migrate('up')).toEqual({ code: 0, result: { applied: [] } });
  });

  it('ends with 3 where an applied file is no longer what was applied', async () => {
    expect(await migrate('validate')).toEqual({ code: 0, result: { valid: true, invalid: [] } });
    const { rows } = await withClient(database.ownerUrl, (owner) =>
      owner.query(`UPDATE _prisma_migrations SET checksum = repeat('0', 64)
                   WHERE migration_name = (SELECT min(migration_name) FROM _prisma_migrations)
                   RETURNING migration_name AS name, 'edited' AS problem`),
    );
    expect(await migrate('validate')).toEqual({ code: 3, result: { valid: false, invalid: rows } });
    expect(await migrate('up')).toMatchObject({ code: 3, result: { invalid: rows } });
  });

  it('ends with 4 and one sentence where the database cannot be reached', async () => {
    expect(
      await runCommand(['migrate', 'status'], { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing' }),
    ).toEqual({ code: 4, stdout: '', stderr: 'connect ECONNREFUSED 127.0.0.1:1' });
  });
});
