import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createDatabase, type TestDatabase, withClient } from './database.ts';
import { testRedis } from './redis.ts';

describe('createDatabase', () => {
  let databases: TestDatabase[];
  beforeAll(async () => {
    databases = await Promise.all([createDatabase(), createDatabase(), createDatabase()]);
  });
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  it('gives each caller a migrated database of its own', async () => {
    const urls = new Set(databases.map(({ ownerUrl }) => ownerUrl));
    expect(urls.size).toBe(3);
    for (const { url } of databases) {
      const { rows } = await withClient(url, (service) =>
        service.query('SELECT count(*) FROM inventory.gpu'),
      );
      expect(rows).toEqual([{ count: '0' }]);
    }
  });

  it('connects the service with the rights and limits that it has in production', async () => {
    const url = databases[0]?.url ?? '';
    const { rows } = await withClient(url, (service) =>
      service.query(`SELECT current_user AS role, current_setting('statement_timeout') AS statement, rolsuper AS super
                     FROM pg_roles WHERE rolname = current_user`),
    );
    expect(rows).toEqual([{ role: 'inv_app', statement: '2500ms', super: false }]);
    await expect(withClient(url, (service) => service.query('DROP TABLE inventory.gpu'))).rejects.toThrow(
      'owner',
    );
    await expect(withClient(url, (service) => service.query('DELETE FROM inventory.change'))).rejects.toThrow(
      'permission denied',
    );
  });
});

describe('testRedis', () => {
  const { url, prefix } = testRedis();
  it('keeps its keys apart from those of other workers', async () => {
    const redis = new Redis(url, { keyPrefix: prefix });
    await redis.set('greeting', 'hello');
    expect(await redis.get('greeting')).toBe('hello');
    redis.disconnect();
  });
});
