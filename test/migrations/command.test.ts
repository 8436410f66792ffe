import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { runScript } from '../support/run-typescript.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const script = `
  const { migrateCommand } = await import('./src/cli/migrate.ts');
  await migrateCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;

async function migrate(
  ...args: string[]
): Promise<{ code: number | null; result: Record<string, unknown[]> }> {
  const { code, stdout } = await runScript(script, [...args, '--json'], { DATABASE_URL: database.ownerUrl });
  return { code, result: JSON.parse(stdout) };
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

  it('ends with 1 and one sentence where the database cannot be reached', async () => {
    const { code, stdout, stderr } = await runScript(script, ['status'], {
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing',
    });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'connect ECONNREFUSED 127.0.0.1:1\n',
    });
  });
});
