// Writes the configuration table of the README anew. Run after `npm run build`.
import { readFile, writeFile } from 'node:fs/promises';
import { settingsTable } from '../dist/config/table.js';
import { modules } from '../dist/modules.js';

const readme = new URL('../README.md', import.meta.url);
const table = /^\| variable \| default \| meaning \|\n(?:\|.*\n)+/m;
await writeFile(
  readme,
  (await readFile(readme, 'utf8')).replace(table, () => `${settingsTable(modules).trimEnd()}\n`),
);
