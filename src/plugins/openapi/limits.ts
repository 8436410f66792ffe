type Schema = Readonly<Record<string, unknown>>;

/** What stands under these names is a value, not a schema. */
const values = new Set(['examples', 'example', 'default', 'enum', 'const']);

const largestInt32 = 2_147_483_647;

/** No text and no list that we send is longer; whole numbers are I-JSON's (RFC 7493). Input has limits of its own. */
const maxLength = 65_536;
const maxItems = 20_000;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function limitsOf(schema: Schema): Schema {
  const types = [schema.type].flat();
  const isClosed = 'enum' in schema || 'const' in schema;
  if (isClosed) return {};
  return {
    ...(types.includes('string') && { maxLength }),
    ...(types.includes('array') && { maxItems }),
    ...(types.includes('integer') && integerLimits(schema)),
  };
}

function integerLimits({ minimum, maximum }: Schema): Schema {
  const limits = { minimum: minimum ?? Number.MIN_SAFE_INTEGER, maximum: maximum ?? Number.MAX_SAFE_INTEGER };
  const isSmall = Number(limits.maximum) <= largestInt32 && Number(limits.minimum) >= -largestInt32;
  return { format: isSmall ? 'int32' : 'int64', ...limits };
}

/**
 * States in a document what holds for every value in it: how long a text or list can be, and how wide a number is, so
 * that generated clients choose fitting types (OWASP API4:2023). A schema's own limits win.
 */
export function stateLimits<Node>(node: Node): Node {
  if (Array.isArray(node)) return node.map(stateLimits) as Node;
  if (!isSchema(node)) return node;
  const entries = Object.entries(node).map(([key, value]) => [
    key,
    values.has(key) ? value : stateLimits(value),
  ]);
  return { ...limitsOf(node), ...Object.fromEntries(entries) } as Node;
}
