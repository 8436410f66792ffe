/** One goal: a ratio against a reference that was measured in the same run. */
export interface Result {
  id: string;
  goal: string;
  /** Measured ratio or count; the median of the rounds. */
  value: number;
  rule: '>=' | '<=' | '=';
  target: number;
  /** What was measured, with its reference, in one line. */
  detail: string;
}

export const isMet = ({ value, rule, target }: Result): boolean =>
  rule === '>=' ? value >= target : rule === '<=' ? value <= target : value === target;

const show = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));

/** The table that `docs/performance.md` keeps. */
export function render(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.id,
    result.goal,
    `${result.rule} ${show(result.target)}`,
    show(result.value),
    isMet(result) ? 'met' : 'MISSED',
    result.detail,
  ]);
  const lines = [
    ['#', 'goal', 'target', 'measured', '', 'how'],
    ['---', '---', '---', '---', '---', '---'],
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
