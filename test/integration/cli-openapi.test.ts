import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCommand, runJson } from '../support/command-line.ts';
import { startService } from '../support/service.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inv-openapi-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes the document that the service serves, whatever the settings are, with a newline at its end', async () => {
  const file = join(folder, 'new', 'openapi.json');
  expect(await runJson(['openapi', '--out', file], { PORT: 'x' })).toMatchObject({
    code: 0,
    answer: { file },
  });
  const text = await readFile(file, 'utf8');
  expect(text).toMatch(/\}\n$/);
  const service = await startService();
  try {
    const { body } = await service.as(null).get('/openapi.json').expect(200);
    expect(`${JSON.stringify(body, null, 2)}\n`).toBe(text);
  } finally {
    await service.stop();
  }
});

it('writes it to standard output, byte for byte the same each time', async () => {
  const { code, stdout } = await runCommand(['openapi']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: (await runCommand(['openapi'])).stdout });
  expect(JSON.parse(stdout)).toMatchObject({ openapi: '3.1.0' });
});
