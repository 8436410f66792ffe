import type { Answer } from './answers.ts';

/** Keys and units as they may stand in a cell (RFC 4180); a leading sign would be a formula to a spreadsheet. */
const cell = (text: string): string => {
  const harmless = /^[=+@-]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

/** One line for each point; a gap is an empty cell. */
export function toCsv({ series }: Answer): string {
  const lines = series.flatMap(({ key, unit, points }) =>
    points.map(({ at, value, revision }) =>
      [cell(key), cell(unit), at, value ?? '', ...(revision === undefined ? [] : [revision ?? ''])].join(','),
    ),
  );
  const withRevision = series[0]?.points[0]?.revision !== undefined;
  return [`key,unit,at,value${withRevision ? ',revision' : ''}`, ...lines, ''].join('\r\n');
}
