import { readFileSync } from 'node:fs';

/** Done, done before, or refused. */
export type Sign = '→' | '=' | '×';

/** The table of docs/allocations.md: what an action does in each state, by state and action. */
export function lifeTable(): Record<string, Record<string, Sign>> {
  const rows = readFileSync('docs/allocations.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head = [], , ...rest] = rows.slice(
    rows.findIndex(([first, next]) => first === 'state' && next === 'confirm'),
  );
  const end = rest.findIndex(({ length }) => length !== head.length);
  return Object.fromEntries(
    rest
      .slice(0, end)
      .map(([state, ...signs]) => [
        state,
        Object.fromEntries(signs.map((sign, place) => [head[place + 1], sign as Sign])),
      ]),
  );
}
