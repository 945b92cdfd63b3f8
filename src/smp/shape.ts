/**
 * A shape is a table of fields; each field checks one decoded CBOR value and names its type. The same value checks at
 * run time and gives the TypeScript type, so the two cannot differ. Unknown keys are ignored: newer firmware adds some.
 */

/** Checks and types one value; throws {@link ShapeError} with the path of what is wrong. */
export type Field<T> = (value: unknown, path: string) => T;
/** The fields of a CBOR map, by key. */
export type Shape = Readonly<Record<string, Field<unknown>>>;

type OptionalKey<S extends Shape> = { [K in keyof S]: undefined extends ReturnType<S[K]> ? K : never }[keyof S];

/** The TypeScript type of a CBOR map that satisfies the shape `S`. */
export type Body<S extends Shape> = { [K in Exclude<keyof S, OptionalKey<S>>]: ReturnType<S[K]> } & {
  [K in OptionalKey<S>]?: Exclude<ReturnType<S[K]>, undefined>;
};

/** A value is not what the command's table row says; the message is "path: expected …, got …". */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  /** "text", "a byte string" … */
  readonly expected: string;

  constructor(message: string, expected: string) {
    super(message);
    this.expected = expected;
  }
}

/** Checks a decoded map against a shape. */
export function parseShape<S extends Shape>(shape: S, value: unknown, path: string): Body<S> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw mismatch(path, "a map", value);
  }
  const body: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(shape)) {
    const parsed = field((value as Record<string, unknown>)[key], `${path}.${key}`);
    if (parsed !== undefined) body[key] = parsed;
  }
  return body as Body<S>;
}

export const text: Field<string> = (value, path) => {
  if (typeof value !== "string") throw mismatch(path, "text", value);
  return value;
};

/** An integer within ±2^53. */
export const int: Field<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw mismatch(path, "an integer", value);
  return value;
};

/** An integer from 0 to 2^53. */
export const uint: Field<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw mismatch(path, "an unsigned integer", value);
  }
  return value;
};

export const bool: Field<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw mismatch(path, "true or false", value);
  return value;
};

export const bytes: Field<Uint8Array> = (value, path) => {
  if (!(value instanceof Uint8Array)) throw mismatch(path, "a byte string", value);
  return value;
};

/** Any value, for maps whose content the firmware defines. */
export const anything: Field<unknown> = (value) => value;

export function optional<T>(field: Field<T>): Field<T | undefined> {
  return (value, path) => (value === undefined ? undefined : field(value, path));
}

export function list<T>(item: Field<T>): Field<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw mismatch(path, "a list", value);
    return value.map((entry, index) => item(entry, `${path}[${index}]`));
  };
}

export function map<S extends Shape>(shape: S): Field<Body<S>> {
  return (value, path) => parseShape(shape, value, path);
}

/** A map with names of the firmware's choice and values of one kind. */
export function record<T>(item: Field<T>): Field<Record<string, T>> {
  return (value, path) => {
    const entries = Object.entries(parseAnyMap(value, path));
    return Object.fromEntries(entries.map(([key, entry]) => [key, item(entry, `${path}.${key}`)]));
  };
}

export function either<A, B>(one: Field<A>, other: Field<B>): Field<A | B> {
  return (value, path) => {
    try {
      return one(value, path);
    } catch {
      return other(value, path);
    }
  };
}

function parseAnyMap(value: unknown, path: string): Record<string, unknown> {
  parseShape({}, value, path);
  return value as Record<string, unknown>;
}

function mismatch(path: string, expected: string, value: unknown): ShapeError {
  return new ShapeError(`${path}: expected ${expected}, got ${describeValue(value)}`, expected);
}

/** "text", "a list", "the number 3.5" …: what a value is, never its content at length. */
function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return `a byte string of ${value.length}`;
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? "text" : `${typeof value} ${String(value)}`;
}
