import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { settingsTable } from '../../src/config/table.ts';
import { modules } from '../../src/modules.ts';

it('shows every setting in the README as the code has it (npm run settings-table writes it)', async () => {
  expect(await readFile('README.md', 'utf8')).toContain(settingsTable(modules));
});

it('leads to every page of the documentation', async () => {
  const readme = await readFile('README.md', 'utf8');
  const pages = (await readdir('docs')).filter((name) => name.endsWith('.md'));
  expect(pages.filter((page) => !readme.includes(`(docs/${page})`))).toEqual([]);
});
