const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const numbersIn = (value: unknown): number[] => (typeof value === 'number' ? [value] : []);

/** The least memory that a filter asks for at its top, in MiB: what any more is surplus to. 0 where it asks for none. */
export function askedMemoryMb(filter: object | undefined): number {
  if (!isObject(filter)) return 0;
  const { minMemoryMb, memoryTotalMb } = filter;
  const compared = isObject(memoryTotalMb) ? memoryTotalMb.gte : memoryTotalMb;
  return Math.max(0, ...numbersIn(minMemoryMb), ...numbersIn(compared));
}
