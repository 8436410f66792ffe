/** The ways in which nvidia-smi and rocm-smi spell "I do not know", in brackets or not. */
const ABSENT =
  /^(|n\/a|unknown|unknown error|err!|gpu is lost|not found|not supported|not available|insufficient permissions|requested functionality has been deprecated|redacted)$/i;

const FAULTY = /^\[?(unknown error|err!|gpu is lost)\]?$/i;

/** The text of a reading, or `null` where the tool says that there is none. */
export function reading(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/^\[(.*)\]$/, '$1');
  return ABSENT.test(text) ? null : text;
}

/** True where the tool could not even ask: a GPU whose uuid reads like this has fallen off the bus. */
export const isFaulty = (value: unknown): boolean => typeof value === 'string' && FAULTY.test(value.trim());

/** The number in front of a unit: `40.50 W`, `16x`, `(500Mhz)`, `99 %` or a bare number. */
export function quantity(value: unknown): number | null {
  const match = /^\(?([-+]?\d+(?:\.\d+)?)\s*[a-z%/]*\)?$/i.exec(reading(value) ?? '');
  return match ? Number(match[1]) : null;
}

/** A share of 100. Fans may report more than 100 % of their nominal speed; that is full speed. */
export function percent(value: unknown): number | null {
  const number = quantity(value);
  return number === null ? null : Math.min(100, Math.max(0, number));
}

/** Bytes as whole MiB, the unit of nvidia-smi. */
export function bytesToMb(value: unknown): number | null {
  const bytes = quantity(value);
  return bytes === null ? null : Math.round(bytes / 1_048_576);
}

/** The sum of the parts that are known; `null` where none is. */
export function sumKnown(parts: (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? null : known.reduce((sum, part) => sum + part, 0);
}

/** A slot with eight domain digits in lower case: `0000:03:00.0` and `00000000:03:00.0` are one place. */
export function pciBusId(value: unknown): string | null {
  const match = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i.exec(reading(value) ?? '');
  return match ? `${(match[1] ?? '').padStart(8, '0')}:${match[2]}`.toLowerCase() : null;
}

/** NVML prints device and vendor as one number, device first: `0x268410DE` is 10de:2684. */
export function nvidiaPciDeviceId(value: unknown): string | null {
  const match = /^(?:0x)?([0-9a-f]{4})10de$/i.exec(reading(value) ?? '');
  return match ? `10de:${match[1]?.toLowerCase()}` : null;
}

/** A serial of zeros alone is how clouds and masks print "none". */
export function serialNumber(value: unknown): string | null {
  const text = reading(value);
  return text === null || /^0+$/.test(text) ? null : text;
}

/** `Enabled` or `Disabled` both say that the GPU has the switch; anything else says nothing. */
export const hasSwitch = (value: unknown): true | null =>
  /^(enabled|disabled)$/i.test(reading(value) ?? '') ? true : null;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The member at a dotted path of a parsed document, `undefined` where a step is missing. */
export const at = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, step) => (isRecord(node) ? node[step] : undefined), tree);

/** The list at a dotted path; a missing or textual one (`None`) is empty. */
export function listAt(tree: unknown, path: string): unknown[] {
  const value = at(tree, path);
  return Array.isArray(value) ? value : [];
}
