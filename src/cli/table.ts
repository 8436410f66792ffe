/** Lines of a table for people: columns as wide as their widest cell, two spaces between them. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Unknown is a dash. */
export const shown = (value: string | number | null | undefined): string =>
  value === null || value === undefined || value === '' ? '-' : String(value);
