import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand, runJson } from '../support/command-line.ts';
import { describeOver, outsideData } from '../support/outside-data.ts';
import { operatorKey, startService, type TestService } from '../support/service.ts';

const folder = mkdtempSync(join(tmpdir(), 'inv-replay-'));
const file = (name: string, text: string | Buffer): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const nodes = file(
  'nodes.csv',
  'sn,cpu_milli,memory_mib,gpu,model\nn-0,1,1,2,P100\nn-1,1,1,4,T4\nn-2,1,1,0,\nn-3,1,1,1,G2\n',
);

/** Not in the order of time: e comes after d by its creation, and z asks for no GPU. */
const tasks = `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
e,1,1,8,1000,,LS,Running,8,90,
a,1,1,2,1000,P100,LS,Running,0,10,0
b,1,1,2,1000,P100|V100M16,LS,Running,5,50,
c,1,1,4,1000,,LS,Running,6,20,6
z,1,1,0,0,,LS,Running,6,20,6
d,1,1,1,1000,,LS,Running,7,8,7
f,1,1,2,1000,P100,LS,Running,10,90,10
g,1,1,1,500,,LS,Running,12,90,12
`;

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

interface Replayed {
  ok: boolean;
  accepted: number;
  refused: number;
  fractions: { asked: string };
  inUse: { peak: number; atTheEnd: number };
  verified: { ok: boolean };
}

const replay = (...more: string[]) => runJson<Replayed>(['replay', '--nodes', nodes, ...more]);
const here = () => ['--url', service.url, '--key', operatorKey];

/*
 * By hand: a takes both P100. b finds neither P100 nor V100M16. c takes the four T4, the only node with four. d takes
 * the G2, all that is left: 7 in use. When e comes d has ended; no node has eight. When f comes a has ended. g takes
 * the G2 again.
 */
const expected = {
  ok: true,
  tasks: 8,
  withoutGpu: 1,
  requests: 7,
  accepted: 5,
  refused: 2,
  firstRefusal: { task: 'b', request: 2, at: 5, gpus: 2, inUse: 2 },
  inUse: expect.objectContaining({ peak: 7, of: 7 }),
  faults: [],
};

describe('a replay', () => {
  it('on a running service gives what was worked out by hand, gives it again, and leaves nothing in use', async () => {
    const args = ['--tasks', file('tasks.csv', tasks), ...here()];
    expect(await replay(...args)).toEqual({ code: 0, answer: expect.objectContaining(expected) });
    expect(await replay(...args)).toEqual({ code: 0, answer: expect.objectContaining(expected) });
    const { rows } = await service.sql.query('SELECT FROM inventory.gpu_state WHERE used_units > 0');
    expect(rows).toEqual([]);
  });

  it('without releases says how much fits', async () => {
    const args = ['--tasks', file('tasks.csv.gz', gzipSync(tasks)), '--no-release', ...here()];
    const { answer } = await replay(...args);
    expect(answer).toMatchObject({ accepted: 3, refused: 4, inUse: { peak: 7, atTheEnd: 7 } });
  });

  it('takes tasks without times in the order of their file, and as many nodes as it is told', async () => {
    const arrivals = file(
      'arrivals.csv',
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli\nx,1,1,4,1000\ny,1,1,2,1000\n',
    );
    const { answer } = await replay(
      '--tasks',
      arrivals,
      '--nodes-limit',
      '1',
      '--objective',
      'spread',
      ...here(),
    );
    expect(answer).toMatchObject({
      accepted: 1,
      refused: 1,
      firstRefusal: { task: 'x', request: 1, at: 0 },
      inUse: { of: 2, atTheEnd: 2 },
    });
  });

  it('asks for a part of a GPU as a share, or says that it took a whole one', async () => {
    const { answer } = await replay('--tasks', file('tasks.csv', tasks), ...here());
    const shares = answer.fractions.asked === 'as shares';
    expect(answer.fractions).toEqual({ requests: 1, asked: shares ? 'as shares' : 'as whole GPUs' });
    expect(answer.inUse.atTheEnd).toBe(shares ? 6.5 : 7);
  });

  it('from nothing, on a service of its own, holds every invariant that can be recomputed', async () => {
    const { code, answer } = await replay('--tasks', file('tasks.csv', tasks));
    expect(answer).toMatchObject({ ...expected, verified: { ok: true } });
    expect(code).toBe(0);
  });

  it('ends with 2 over a file that is no trace, 4 without a service', async () => {
    const with_ = (...more: string[]) => runCommand(['replay', '--nodes', nodes, ...more]);
    expect(await with_('--tasks', nodes)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('num_gpu'),
    });
    expect((await with_('--tasks', join(folder, 'absent'))).code).toBe(2);
    expect((await with_('--tasks', file('bad.csv', 'name,num_gpu,gpu_milli\nx,1.5,1000\n'))).code).toBe(2);
    const nobody = ['--url', 'http://127.0.0.1:1', '--key', 'x'];
    expect((await with_('--tasks', file('tasks.csv', tasks), ...nobody)).code).toBe(4);
  });
});

const openb = outsideData('traces/openb');
const overOpenb = describeOver(openb);

overOpenb('the OpenB trace', () => {
  it('on its first machines runs to its end with every invariant', async () => {
    const head = 400;
    const text = await readFile(join(openb ?? '', 'openb_pod_list_gpuspec10.csv'), 'utf8');
    const first = file(
      'openb.csv',
      text
        .split('\n')
        .slice(0, head + 1)
        .join('\n'),
    );
    const list = join(openb ?? '', 'openb_node_list_gpu_node.csv');
    const { code, answer } = await runJson<Replayed>([
      'replay',
      ...['--nodes', list, '--tasks', first, '--nodes-limit', '20'],
    ]);
    expect(answer).toMatchObject({ ok: true, tasks: head, verified: { ok: true } });
    expect(answer.accepted).toBeGreaterThan(20);
    expect(answer.refused).toBeGreaterThan(0);
    expect(code).toBe(0);
  }, 60_000);
});
