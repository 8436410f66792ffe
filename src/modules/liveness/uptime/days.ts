const second = 1000;
const usualDay = 24 * 3600 * second;
/** No day of any zone is longer, the days of change included. */
const longestDay = 50 * 3600 * second;

/** Writes the local date of a moment as `YYYY-MM-DD`; undefined where there is no such IANA zone. */
export function localDate(timeZone: string): ((moment: number) => string) | undefined {
  // Offsets such as +01:00 are no zones: they have no days of change.
  if (!/^[A-Za-z]/.test(timeZone)) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    return (moment) => format.format(moment);
  } catch {
    return undefined;
  }
}

export interface Day {
  /** Local date. */
  date: string;
  from: number;
  until: number;
}

/**
 * The local days between two moments, the first and the last cut to them. A day ends at the first second whose local
 * date is another: found by halves on the calendar of the zone itself, so that days of 23 and 25 hours, changes at
 * midnight and dates that a zone skipped come out as they were.
 */
export function daysBetween(from: number, until: number, dateOf: (moment: number) => string): Day[] {
  const days: Day[] = [];
  for (let start = from; start < until; ) {
    const date = dateOf(start);
    const end = Math.min(until, endOfDay(start, date, dateOf));
    days.push({ date, from: start, until: end });
    start = end;
  }
  return days;
}

function endOfDay(start: number, date: string, dateOf: (moment: number) => string): number {
  const usual = start + usualDay;
  if (dateOf(usual) !== date && dateOf(usual - second) === date && usual % second === 0) return usual;
  let [inside, outside] = [Math.floor(start / second), Math.ceil((start + longestDay) / second)];
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2);
    if (dateOf(middle * second) === date) inside = middle;
    else outside = middle;
  }
  return outside * second;
}
