import { invalid } from '../errors.ts';

function parseNames(parameter: string, text: string, known: readonly string[]): Set<string> {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw invalid(parameter, `must name some of ${known.join(', ')}, separated by commas`);
  }
  return new Set(names);
}

/**
 * Reads `fields=`, a list of top-level names; null where everything is wanted. `id` always stays.
 *
 * @example parseFields('name,region', ['id', 'name', 'region']) // Set { 'id', 'name', 'region' }
 * @throws 400 `request.invalid` naming `fields` where a name is unknown.
 */
export const parseFields = (
  text: string | undefined,
  known: readonly string[],
): ReadonlySet<string> | null =>
  text === undefined ? null : new Set(['id', ...parseNames('fields', text, known)]);

/**
 * Reads `include=`, the extra parts of a representation that are left out unless asked for.
 *
 * @example parseInclude('layers', ['layers', 'catalogue']) // Set { 'layers' }
 * @throws 400 `request.invalid` naming `include` where a name is unknown.
 */
export const parseInclude = <Name extends string>(
  text: string | undefined,
  known: readonly Name[],
): ReadonlySet<Name> => {
  const names = text === undefined ? new Set<string>() : parseNames('include', text, known);
  return new Set(known.filter((name) => names.has(name)));
};

/** Keeps the fields that were asked for, in the order of the object. */
export const project = <Item extends object>(
  item: Item,
  fields: ReadonlySet<string> | null,
): Partial<Item> =>
  fields === null
    ? item
    : Object.entries(item).reduce<Partial<Item>>(
        (kept, [name, value]) => (fields.has(name) ? Object.assign(kept, { [name]: value }) : kept),
        {},
      );
