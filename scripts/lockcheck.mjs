// Every optional platform package that the lock names must be in the lock, or `npm ci` refuses it elsewhere.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const present = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
const gaps = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
  Object.keys(optionalDependencies)
    .filter((name) => !present.has(name))
    .map((name) => `${path} needs ${name}`),
);
if (gaps.length > 0) {
  console.error(`The lockfile lacks platform packages:\n${gaps.join('\n')}`);
  process.exit(1);
}
