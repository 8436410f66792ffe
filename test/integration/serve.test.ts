import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runScript, startScript } from '../support/run-typescript.ts';

const main = `await import('./src/main.ts')`;

let database: TestDatabase;
let taken: Server;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createDatabase();
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: await mkdtemp(join(tmpdir(), 'inv-serve-')),
    REDIS_URL: '',
    PORT: '0',
    LOG_LEVEL: 'info',
  };
});
afterAll(async () => {
  taken.close();
  await database.drop();
  await rm(env.DATA_DIR ?? '', { recursive: true, force: true });
});

describe('npm start', () => {
  it('ends with 78 and every fault where the settings are not usable', async () => {
    expect(await runScript(main, [], { ...env, PORT: 'x', LOG_LEVEL: 'loud' })).toEqual({
      code: 78,
      stdout: '',
      stderr: expect.stringMatching(
        /^The settings are not usable:\n {2}PORT must be .*\n {2}LOG_LEVEL must be .*\n$/,
      ),
    });
  });

  it('ends with 1 and one sentence where the port is taken', async () => {
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await runScript(main, [], { ...env, PORT: String(port) });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Port ${port} on 127.0.0.1 is in use by another program: end that one, or set PORT to a free one.\n`,
    });
  });

  it('ends with 0 after SIGTERM', async () => {
    const service = startScript(main, [], env);
    const ended = once(service, 'exit');
    for await (const line of createInterface({ input: service.stdout as NodeJS.ReadableStream })) {
      if (line.includes('"msg":"ready"')) service.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  it('is the command serve as well', async () => {
    const serve = `
      const { run } = await import('./src/cli/program.ts');
      const { loadConfig } = await import('./src/config/index.ts');
      const { modules } = await import('./src/modules.ts');
      process.exitCode = await run(['serve'], { config: () => loadConfig(modules), out() {}, note: console.error, exitCode: 0 });`;
    expect(await runScript(serve, [], { ...env, HOST: '203.0.113.1' })).toMatchObject({
      code: 1,
      stderr: 'HOST 203.0.113.1 is no address of this machine.\n',
    });
  });
});
