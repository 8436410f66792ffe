// Generates and builds where dist/ is missing or older than what it is made of: the command line works right after
// `npm ci`, and costs nothing extra from then on.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const made = 'dist/cli/main.js';
const sources = [
  'src',
  'prisma/schema',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** When the newest file under `path` was changed; generated ones follow from the others. */
const newest = (path) => {
  if (path === join('src', 'generated')) return 0;
  const entries = statSync(path).isDirectory() ? readdirSync(path) : [];
  return Math.max(changedAt(path), ...entries.map((entry) => newest(join(path, entry))));
};

if (changedAt(made) < Math.max(...sources.map(newest))) {
  for (const script of ['generate', 'build']) {
    // The output of both belongs to the person, not to the answer of the command that follows.
    const { status } = spawnSync('npm', ['run', '--silent', script], { stdio: ['ignore', 2, 2] });
    if (status !== 0) process.exit(status ?? 1);
  }
}
