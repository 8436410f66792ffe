/** One setting of the environment: its name, what it means, and how its text becomes a value. */
export interface Setting<T> {
  env: string;
  /** One line for the configuration table: meaning, unit, range. */
  doc: string;
  /** Shown in the configuration table; '' is "unset". */
  defaultText: string;
  secret: boolean;
  /** Throws an Error whose message completes the sentence "NAME must be …". */
  parse(text: string | undefined): T;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values of a section, by the names that the code uses. */
export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

interface Range {
  default: number;
  min: number;
  max: number;
}

const must = (rule: string): never => {
  throw new Error(rule);
};

export const integer = (
  env: string,
  doc: string,
  { default: fallback, min, max }: Range,
): Setting<number> => ({
  env,
  doc: `${doc} (${min}–${max})`,
  defaultText: String(fallback),
  secret: false,
  parse(text) {
    if (text === undefined) return fallback;
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max
      ? value
      : must(`an integer from ${min} to ${max}`);
  },
});

export const fraction = (env: string, doc: string, fallback: number): Setting<number> => ({
  env,
  doc: `${doc} (0–1)`,
  defaultText: String(fallback),
  secret: false,
  parse(text) {
    if (text === undefined) return fallback;
    const value = Number(text);
    return /^\d*\.?\d+$/.test(text) && value <= 1 ? value : must('a number from 0 to 1');
  },
});

export const boolean = (env: string, doc: string, fallback: boolean): Setting<boolean> => ({
  env,
  doc,
  defaultText: String(fallback),
  secret: false,
  parse(text) {
    if (text === undefined) return fallback;
    return text === 'true' || text === 'false' ? text === 'true' : must('true or false');
  },
});

export const oneOf = <const V extends string>(
  env: string,
  doc: string,
  values: readonly V[],
  fallback: V,
): Setting<V> => ({
  env,
  doc: `${doc} (${values.join(', ')})`,
  defaultText: fallback,
  secret: false,
  parse: (text) =>
    text === undefined ? fallback : (values.find((v) => v === text) ?? must(`one of ${values.join(', ')}`)),
});

export const text = (env: string, doc: string, fallback: string): Setting<string> => ({
  env,
  doc,
  defaultText: fallback,
  secret: false,
  parse: (given) => (given === undefined ? fallback : given.trim() || must('not empty')),
});

interface OptionalRule {
  secret?: boolean;
  /** The whole value must match; `rule` completes "must be …". */
  pattern?: RegExp;
  rule?: string;
}

/** A text that may be absent (null). */
export const optional = (
  env: string,
  doc: string,
  { secret = false, pattern, rule }: OptionalRule = {},
): Setting<string | null> => ({
  env,
  doc,
  defaultText: '',
  secret,
  parse(given) {
    if (given === undefined) return null;
    return pattern && !pattern.test(given) ? must(rule ?? `like ${pattern.source}`) : given;
  },
});

/** An integer that may be absent (null). */
export const optionalInteger = (
  env: string,
  doc: string,
  min: number,
  max: number,
): Setting<number | null> => ({
  ...integer(env, doc, { default: 0, min, max }),
  defaultText: '',
  parse: (given) => (given === undefined ? null : integer(env, doc, { default: 0, min, max }).parse(given)),
});

/** A comma-separated list; `rule` completes "must be …" where a part does not match `pattern`. */
export const list = (
  env: string,
  doc: string,
  { pattern = /^/, rule = '' }: { pattern?: RegExp; rule?: string } = {},
): Setting<readonly string[]> => ({
  env,
  doc,
  defaultText: '',
  secret: false,
  parse(given) {
    const parts = (given ?? '').split(',').map((part) => part.trim());
    const items = parts.filter(Boolean);
    return items.every((item) => pattern.test(item)) ? Object.freeze(items) : must(rule);
  },
});

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a section; faults are collected so that all can be reported together. An empty variable counts as unset. */
export function readSettings<S extends Settings>(env: Environment, settings: S, faults: string[]): Values<S> {
  const entries = Object.entries(settings).map(([name, setting]) => {
    try {
      return [name, setting.parse(env[setting.env] || undefined)];
    } catch (fault) {
      faults.push(`${setting.env} must be ${(fault as Error).message}`);
      return [name, undefined];
    }
  });
  return Object.freeze(Object.fromEntries(entries)) as Values<S>;
}
