/** From one moment up to, and not including, another; milliseconds of the epoch. */
export interface Span {
  from: number;
  until: number;
}

/** The same time in order, without overlaps: spans that meet become one, empty ones none. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { from, until } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (until <= from) continue;
    if (last && from <= last.until) last.until = Math.max(last.until, until);
    else result.push({ from, until });
  }
  return result;
}

/** What of `spans` lies within `others`, and what does not. Both are merged. */
export function split(spans: readonly Span[], others: readonly Span[]): { inside: Span[]; outside: Span[] } {
  const inside: Span[] = [];
  const outside: Span[] = [];
  let next = 0;
  for (const { from, until } of spans) {
    let at = from;
    while (next < others.length && (others[next] as Span).until <= from) next++;
    for (let index = next; index < others.length && (others[index] as Span).from < until; index++) {
      const other = others[index] as Span;
      if (other.from > at) outside.push({ from: at, until: other.from });
      const end = Math.min(other.until, until);
      inside.push({ from: Math.max(other.from, at), until: end });
      at = end;
    }
    if (at < until) outside.push({ from: at, until });
  }
  return { inside, outside };
}
