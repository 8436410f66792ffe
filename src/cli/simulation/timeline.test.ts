import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeOver, outsideData } from '../../../test/support/outside-data.ts';
import { outage, readTimeline } from './timeline.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inv-timeline-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fileWith = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
};

it('kills a share of the nodes for the middle third', () => {
  const alive = [0, 0.33, 0.34, 0.66, 0.67, 0.99].map((elapsed) => outage(0.25)(elapsed).alive);
  expect(alive).toEqual([1, 1, 0.75, 0.75, 1, 1]);
});

describe('a trace', () => {
  it('tells who is up, minute by minute, over the whole simulation', async () => {
    const file = await fileWith('nodes.csv', 'time,active,total\na,10,10\nb,5,10\nc,9,10\nd,0,10\n');
    const timeline = await readTimeline(file, 3);
    expect([0, 0.34, 0.99, 1].map((elapsed) => timeline(elapsed).alive)).toEqual([1, 0.5, 0.9, 0.9]);
  });

  it('may be packed, and tell how busy GPUs are instead', async () => {
    const file = await fileWith('gpus.csv.gz', 'time,idle_gpu_num,gpu_utilization\na,1,0.75\n');
    expect((await readTimeline(file, 10))(0)).toEqual({ alive: 1, busy: 0.75 });
  });

  it.each([
    ['no known columns', 'a,b\n1,2\n'],
    ['no rows', 'time,active,total\n'],
    ['more nodes than there are', 'time,active,total\na,11,10\n'],
    ['what is no number', 'time,active,total\na,x,10\n'],
  ])('with %s is refused', async (what, text) => {
    await expect(readTimeline(await fileWith(`${what}.csv`, text), 5)).rejects.toThrow('no trace');
  });

  it('that is not there is refused', async () => {
    await expect(readTimeline(join(folder, 'nothing.csv'), 5)).rejects.toThrow('cannot be read');
  });
});

const traces = outsideData('traces');
describeOver(traces)('traces of real clusters', () => {
  it.each([
    ['philly/philly_node_sequence.csv.gz', { alive: 312 / 420, busy: 0.8 }],
    ['helios/vc6YE-minutely.csv.gz', { alive: 1, busy: 0.779 }],
  ])('%s begins as it does', async (file, moment) => {
    expect((await readTimeline(join(traces ?? '', file), 1440))(0)).toEqual(moment);
  });
});
