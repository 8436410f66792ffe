const shape =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

const inRange = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** Milliseconds of the epoch, or undefined where a part is out of range: 24:00, a leap second, 30 February. */
function epochOf(parts: RegExpExecArray): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const offsetHour = Number(parts[9] ?? 0);
  const offsetMinute = Number(parts[10] ?? 0);
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  const dateExists = local.getUTCMonth() === month - 1;
  const timeExists = inRange(hour, 0, 23) && inRange(minute, 0, 59) && inRange(second, 0, 59);
  if (!dateExists || !timeExists || offsetHour > 23 || offsetMinute > 59) return undefined;
  local.setUTCHours(hour, minute, second);
  const offset = (offsetHour * 60 + offsetMinute) * 60_000;
  return local.getTime() - (parts[8] === '-' ? -offset : offset);
}

/** Whether a moment is written as programs do, `2026-01-02T03:04:05.678Z`: most are, and the look costs a fifth. */
function isAsWritten(text: string): boolean {
  if (text.length !== 24 || text < '0001') return false;
  const moment = new Date(text);
  return !Number.isNaN(moment.getTime()) && moment.toISOString() === text;
}

/**
 * Reads an RFC 3339 moment with any offset and writes it in UTC to the microsecond, the precision that PostgreSQL
 * keeps: `2026-01-02T03:04:05+02:00` → `2026-01-02T01:04:05.000000Z`. Undefined for anything else, `infinity`,
 * `24:00`, leap seconds and years outside 1–9999 included, so that no text reaches the database that it would refuse.
 */
export function parseTimestamp(text: string): string | undefined {
  if (isAsWritten(text)) return `${text.slice(0, 23)}000Z`;
  const parts = shape.exec(text);
  const epoch = parts ? epochOf(parts) : undefined;
  if (parts === null || epoch === undefined) return undefined;
  const utc = new Date(epoch);
  if (!inRange(utc.getUTCFullYear(), 1, 9999)) return undefined;
  const micros = (parts[7] ?? '').padEnd(6, '0').slice(0, 6);
  return `${utc.toISOString().slice(0, 19)}.${micros}Z`;
}
