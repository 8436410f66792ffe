import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand, runJson } from '../support/command-line.ts';
import { operatorKey, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let folder: string;
beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), 'inv-cli-'));
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const nobodyListens = 'http://127.0.0.1:1';
const onDatabase = () => ({ DATABASE_URL: service.database.ownerUrl });

describe('the program', () => {
  it('shows its commands and exit codes for --help, and ends with 0', async () => {
    const { code, stdout } = await runCommand(['--help']);
    expect(code).toBe(0);
    for (const command of ['serve', 'migrate', 'db', 'health', 'keys', 'openapi', 'agent', 'demo']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    }
    expect(stdout).toContain('Exit codes:');
  });

  it('ends with 1 for a command, an option or a value that there is not', async () => {
    for (const args of [
      ['nope'],
      ['health', '--nope'],
      ['health', '--url', 'ftp://x'],
      ['migrate', 'down', '--steps', '0'],
    ]) {
      const { code, stdout, stderr } = await runCommand(args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^error: .*\n\(--help tells more\)$/);
    }
  });

  it('ends with 78 and names every fault where the settings are not usable', async () => {
    const { code, answer } = await runJson(['db', 'verify'], { PORT: 'x', DATABASE_URL: 'nonsense' });
    expect({ code, faults: answer.faults }).toEqual({
      code: 78,
      faults: ['PORT must be an integer from 0 to 65535', 'DATABASE_URL must be a postgresql:// URL'],
    });
  });
});

describe('health', () => {
  it('ends with 0 and one line for each dependency where the service works, be it slower', async () => {
    const { code, stdout } = await runCommand(['health', '--url', `${service.url}/`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ is (ok|degraded)\n\nCHECK +STATUS +MS +DETAIL\ndatabase +ok /);
  });

  it('asks where the settings say that the service listens', async () => {
    const { port } = new URL(service.url);
    expect(await runJson(['health'], { HOST: '0.0.0.0', PORT: port })).toMatchObject({
      code: 0,
      answer: { checks: { database: { status: 'ok' } } },
    });
  });

  it('ends with 1 where something it needs is away', async () => {
    const ill = { status: 'unavailable', checks: { database: { status: 'unavailable' } } };
    const server = createServer((_, response) => response.end(JSON.stringify(ill)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await runJson(['health', '--url', `http://127.0.0.1:${port}`])).toEqual({ code: 1, answer: ill });
    server.close();
  });

  it('ends with 4 where nobody answers, and where somebody else does', async () => {
    expect(await runCommand(['health', '--url', nobodyListens])).toMatchObject({ code: 4, stdout: '' });
    expect(await runJson(['health', '--url', `${service.url}/docs`])).toEqual({
      code: 4,
      answer: { error: expect.stringContaining('gives no health') },
    });
  });
});

describe('keys', () => {
  const keys = <Answer = Record<string, string>>(...args: string[]) =>
    runJson<Answer>(['keys', ...args], onDatabase());

  it('lets in whoever has lost every key', async () => {
    const { code, answer } = await keys('create', '--name', 'rescue');
    expect({ code, role: answer.role }).toEqual({ code: 0, role: 'operator' });
    await service.as(answer.key).get('/v1/whoami').expect(200);
  });

  it('makes keys with an owner, scopes and an end', async () => {
    const { body: tenant } = await service.as().post('/v1/tenants').send({ name: 'T' }).expect(201);
    const { answer } = await keys(
      'create',
      '--name',
      'reader',
      '--role',
      'tenant',
      '--tenant-id',
      tenant.id,
      '--scopes',
      'gpus:read, self:read',
      '--expires-at',
      '2999-01-01',
    );
    const { body } = await service.as(answer.key).get('/v1/whoami').expect(200);
    expect(body).toMatchObject({
      role: 'tenant',
      tenantId: tenant.id,
      permissions: ['gpus:read', 'self:read'],
    });
    expect(answer.expiresAt).toBe('2999-01-01T00:00:00.000Z');
  });

  it('lists, rotates and revokes them', async () => {
    const { answer: old } = await keys('create', '--name', 'turns', '--role', 'viewer');
    const { answer: next } = await keys('rotate', old.id ?? '', '--overlap-s', '60');
    await service.as(next.key).get('/v1/whoami').expect(200);
    await service.as(old.key).get('/v1/whoami').expect(200);
    expect(await keys('revoke', old.id ?? '')).toEqual({ code: 0, answer: { id: old.id, revoked: true } });
    const { answer } = await keys<{ items: { id: string }[] }>('list', '--role', 'viewer');
    expect(answer.items).toEqual([expect.objectContaining({ id: next.id, rotatedFrom: old.id })]);
    expect((await runCommand(['keys', 'list'], onDatabase())).stdout).toMatch(
      new RegExp(`^${next.id} +viewer +turns +…`, 'm'),
    );
  });

  it('names the operator of the command line in the audit log', async () => {
    const { answer } = await keys('create', '--name', 'audited');
    const { rows } = await service.sql.query(
      `SELECT type, actor_type, actor_id FROM inventory.change WHERE subject_id = $1`,
      [answer.id],
    );
    expect(rows).toEqual([{ type: 'api_key.created', actor_type: 'operator', actor_id: 'cli' }]);
  });

  it('ends with 1 for what cannot be a key, with 3 for a key that there is not', async () => {
    expect(
      await runCommand(['keys', 'create', '--name', 'x', '--scopes', 'all'], onDatabase()),
    ).toMatchObject({ code: 1 });
    expect(await keys('create', '--name', 'x', '--role', 'provider')).toMatchObject({
      code: 1,
      answer: { code: 'request.invalid' },
    });
    expect(await keys('revoke', '01931a2b-0000-7000-8000-000000000001')).toEqual({
      code: 3,
      answer: { error: 'No such api key.', code: 'api_key.not_found' },
    });
  });

  it('ends with 4 where the database cannot be reached', async () => {
    const away = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing' };
    expect(await runCommand(['keys', 'list'], away)).toMatchObject({ code: 4 });
  });
});

describe('agent', () => {
  it('ends with 2 where a file is none, or none of a GPU tool', async () => {
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'nothing of a GPU');
    expect(await runCommand(['agent', 'snapshot', '--from', join(folder, 'absent')])).toMatchObject({
      code: 2,
    });
    expect(await runCommand(['agent', 'snapshot', '--from', file])).toMatchObject({ code: 2, stdout: '' });
  });

  it('reports fake GPUs once, and ends with 0', async () => {
    const { body: provider } = await service
      .as()
      .post('/v1/providers')
      .send({ name: 'P', email: 'agent@example.test', region: 'eu' })
      .expect(201);
    const { body } = await service
      .as()
      .post(`/v1/providers/${provider.id}/enrollment-tokens`)
      .send({})
      .expect(201);
    const { code, stdout } = await runCommand([
      ...[
        'agent',
        'run',
        '--url',
        service.url,
        '--token',
        body.token,
        '--hostname',
        'fake-1',
        '--once',
        '--json',
      ],
      ...['--state-dir', join(folder, 'agent'), '--fake', 'healthy,mig'],
    ]);
    const events = stdout.split('\n').map((line) => JSON.parse(line).event);
    expect({ code, events }).toEqual({
      code: 0,
      events: ['enrolled', 'inventory_published', 'heartbeat', 'processes_published', 'stopped'],
    });
    const { body: seen } = await service.as().get(`/v1/gpus?providerId=${provider.id}`).expect(200);
    expect(seen.items).toHaveLength(6);
  });

  it('drains by a command, and tells so', async () => {
    const stateDir = join(folder, 'agent');
    const { answer } = await runJson<{ nodeId: string; drain: unknown }>([
      'agent',
      'status',
      '--state-dir',
      stateDir,
    ]);
    expect(answer.drain).toBeNull();
    await service.as().post(`/v1/nodes/${answer.nodeId}/drain`).send({}).expect(200);
    const once = () =>
      runCommand([
        ...['agent', 'run', '--url', service.url, '--once', '--state-dir', stateDir, '--fake', 'healthy,mig'],
        ...['--drain-command', 'echo moving away', '--hook-timeout', '60'],
      ]);
    await until('the agent hears of it', async () =>
      (await once()).stdout.includes('hook_ended hook="drain_began" output="moving away"'),
    );
    const { code, stdout } = await runCommand(['agent', 'status', '--state-dir', stateDir]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^draining +without a deadline$/m),
    });
    expect(stdout).not.toContain('dpi_agent');
  });

  it('shows no status where there is no agent, 2', async () => {
    const stateDir = join(folder, 'nobody');
    expect(await runCommand(['agent', 'status', '--state-dir', stateDir])).toMatchObject({ code: 2 });
  });

  it('ends with 3 where the service refuses the token, with 4 where there is none', async () => {
    const run = (url: string) =>
      runCommand([
        ...['agent', 'run', '--url', url, '--token', 'dpi_enroll_wrong', '--once', '--fake', 'healthy'],
        ...['--state-dir', join(folder, 'refused')],
      ]);
    expect(await run(service.url)).toMatchObject({ code: 3 });
    expect(await run(nobodyListens)).toMatchObject({ code: 4 });
  });
});

describe('demo', () => {
  const demo = (...args: string[]) => runJson<{ ok: boolean }>(['demo', '--url', service.url, ...args]);

  it('goes as told, and leaves no provider and no key behind', async () => {
    const before = await counts();
    const { code, answer } = await demo('--key', operatorKey);
    expect({ code, ok: answer.ok }).toEqual({ code: 0, ok: true });
    expect(await counts()).toEqual(before);
  });

  it('tells a reader what it does', async () => {
    const { code, stdout } = await runCommand(['demo', '--url', service.url, '--key', operatorKey]);
    expect(code).toBe(0);
    expect(stdout).toContain('409 gpu.unavailable: Somebody else has at least one of the GPUs.');
    expect(stdout).toMatch(/Everything went as told: \d+ requests, 11 checks\.$/);
  });

  it('registers the nodes of a trace, twice the same', async () => {
    const file =
      'sn,cpu_milli,memory_mib,gpu,model\nn-0,64000,262144,2,P100\nn-1,96000,786432,8,G2\nn-2,96000,393216,1,P100\n';
    await writeFile(join(folder, 'openb_node_list_gpu_node.csv'), file);
    const expected = {
      code: 0,
      answer: {
        ok: true,
        nodes: 3,
        gpus: 11,
        totals: [
          { model: 'G2', modelId: 'uncatalogued', inFile: 8, inService: 8 },
          { model: 'P100', modelId: 'nvidia-p100-pcie-16gb', inFile: 3, inService: 3 },
        ],
      },
    };
    expect(await demo('--key', operatorKey, '--openb', folder)).toEqual(expected);
    const versions = () => service.sql.query('SELECT max(id) FROM inventory.change').then(({ rows }) => rows);
    const before = await versions();
    expect(await demo('--key', operatorKey, '--openb', folder)).toEqual(expected);
    expect(await versions()).toEqual(before);
  });

  it('ends with 1 where the service does not hold what the trace says', async () => {
    await service.sql.query(`UPDATE inventory.gpu SET name = 'G9' WHERE uuid = 'GPU-n-1-0'`);
    expect(await demo('--key', operatorKey, '--openb', folder)).toMatchObject({
      code: 1,
      answer: { ok: false },
    });
  });

  it('ends with 2 without a key or a trace, 3 with a wrong key, 4 without a service', async () => {
    expect(await runJson(['demo', '--url', service.url], { DATA_DIR: folder })).toMatchObject({ code: 2 });
    expect(await demo('--key', operatorKey, '--openb', join(folder, 'absent'))).toMatchObject({ code: 2 });
    expect(await demo('--key', 'wrong')).toMatchObject({ code: 3 });
    expect(await runJson(['demo', '--url', nobodyListens, '--key', 'x'])).toMatchObject({ code: 4 });
  });
});

async function counts(): Promise<unknown> {
  const { rows } = await service.sql.query(
    `SELECT (SELECT count(*) FROM inventory.provider WHERE deleted_at IS NULL) AS providers,
            (SELECT count(*) FROM inventory.api_key WHERE revoked_at IS NULL) AS keys`,
  );
  return rows;
}
