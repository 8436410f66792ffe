import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from '../../src/generated/prisma/client.ts';
import { migrateDown, migrateUp, migrationState } from '../../src/kernel/migrations.ts';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { dumpSchema } from '../support/schema-dump.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const askEngine = (question: 'drift' | 'history'): unknown =>
  JSON.parse(
    execFileSync(process.execPath, ['test/support/schema-engine.mjs', question, database.ownerUrl], {
      encoding: 'utf8',
    }),
  );

describe('the migrated database', () => {
  it('equals the Prisma models', () => {
    expect(askEngine('drift')).toEqual({ exitCode: 0, stdout: '-- This is an empty migration.\n' });
  });

  it("has a history that Prisma's engine agrees with", () => {
    expect(askEngine('history')).toEqual({
      hasMigrationsTable: true,
      editedMigrationNames: [],
      failedMigrationNames: [],
      history: null,
    });
  });

  it('gives every column of every model to the client', async () => {
    const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) });
    const delegates = client as unknown as Record<string, { findFirst(): Promise<unknown> }>;
    const names = Object.keys(Prisma.ModelName).map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    expect(names).toContain('gpuState');
    for (const name of names) await delegates[name]?.findFirst();
    await client.$disconnect();
  });

  it('computes no generated column for nothing: a trigger for each row before an UPDATE has all of them computed', async () => {
    const { rows } = await withClient(database.ownerUrl, (owner) =>
      owner.query(`SELECT t.tgname FROM pg_trigger t
        WHERE t.tgtype & 19 = 19 -- for each row, before, update
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attgenerated = 's')`),
    );
    expect(rows).toEqual([]);
  });

  it('has a down for every up: all the way down leaves but the extension, and up again the same schema', async () => {
    const before = await dumpSchema(database.ownerUrl);
    expect(before.length).toBeGreaterThan(100);
    const { applied } = await withClient(database.ownerUrl, (owner) => migrationState(owner));

    expect(await migrateDown(database.ownerUrl, applied.length)).toEqual([...applied].reverse());
    const empty = await createDatabase('template0');
    // Others may have come to use it; an extension is no object of ours.
    await withClient(empty.ownerUrl, (owner) => owner.query('CREATE EXTENSION pg_trgm'));
    expect(await dumpSchema(database.ownerUrl)).toEqual(await dumpSchema(empty.ownerUrl));
    await empty.drop();

    expect(await migrateUp(database.ownerUrl)).toEqual(applied);
    expect(await dumpSchema(database.ownerUrl)).toEqual(before);
  });
});
