import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AgentState, stateFile } from './state-file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'agent-state-'));
});

afterEach(() => rm(directory, { recursive: true }));

const state: AgentState = {
  url: 'http://127.0.0.1',
  nodeId: 'n-1',
  apiKey: 'secret',
  generation: 3,
  sequence: 9,
  inventoryDigest: null,
  drain: null,
};

describe('stateFile', () => {
  it('gives back what it saved, over several saves, and leaves nothing else', async () => {
    const store = stateFile(join(directory, 'deep'));
    expect(await store.load()).toBeNull();
    await store.save(state);
    await store.save({ ...state, sequence: 10 });
    expect(await store.load()).toEqual({ ...state, sequence: 10 });
    expect(await readdir(join(directory, 'deep'))).toEqual(['agent.json']);
  });

  it('lets nobody else read the key', async () => {
    const store = stateFile(join(directory, 'deep'));
    await store.save(state);
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(join(directory, 'deep', 'agent.json'))).toBe('600');
    expect(await mode(join(directory, 'deep'))).toBe('700');
  });

  it('refuses a file that is not its own', async () => {
    await writeFile(join(directory, 'agent.json'), '{"nodeId": 1}');
    await expect(stateFile(directory).load()).rejects.toThrow('is not the state of an agent');
  });
});
