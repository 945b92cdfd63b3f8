/** Inputs that several targets share. */
import * as fc from "fast-check";

export const bytes = (maxLength = 300): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

type Mutation =
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "double"; readonly at: number; readonly length: number }
  | { readonly kind: "end"; readonly at: number };

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
/** What lengths and markers are made of. */
const telling = fc.constantFrom(0, 1, 0x06, 0x09, 0x0a, 0x18, 0x1b, 0x1f, 0x5f, 0x7f, 0x80, 0x9f, 0xbf, 0xfe, 0xff);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at: position, value: fc.oneof(telling, fc.nat(255)) }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: position,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant("cut" as const), at: position, length: fc.integer({ min: 1, max: 16 }) }),
  fc.record({ kind: fc.constant("double" as const), at: position, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant("end" as const), at: position }),
);

/** What is valid, damaged in one to six places. */
export function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
  return fc.tuple(valid, mutations).map(([start, changes]) => changes.reduce(mutate, Buffer.from(start)));
}

function mutate(input: Buffer, change: Mutation): Buffer {
  const at = Math.floor(change.at * input.length);
  const head = input.subarray(0, at);
  switch (change.kind) {
    case "set":
      return input.length === 0 ? input : Buffer.concat([head, Buffer.of(change.value), input.subarray(at + 1)]);
    case "insert":
      return Buffer.concat([head, change.bytes, input.subarray(at)]);
    case "cut":
      return Buffer.concat([head, input.subarray(at + change.length)]);
    case "double":
      return Buffer.concat([head, input.subarray(at, at + change.length), input.subarray(at)]);
    case "end":
      return head;
  }
}

/** Cuts bytes into pieces whose lengths repeat; one at a time when there are none. */
export function inPieces(whole: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < whole.length; index++) {
    const end = at + (lengths[index % lengths.length] ?? 1);
    pieces.push(whole.subarray(at, end));
    at = end;
  }
  return pieces;
}

export const pieceLengths = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 });

const key = fc.oneof(
  fc.constantFrom("off", "data", "rc", "err", "group", "images", "hash", "__proto__", "constructor", "toString", ""),
  fc.string({ maxLength: 6 }),
);

/** A CBOR map as SMP allows it. */
export const cborMap: fc.Arbitrary<Record<string, unknown>> = fc.letrec((tie) => ({
  map: fc
    .array(fc.tuple(key, tie("value")), { maxLength: 5 })
    .map((entries) => Object.fromEntries(entries) as Record<string, unknown>),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.integer(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.string({ maxLength: 30, unit: "grapheme" }),
    bytes(40),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("map"),
  ),
})).map;

/** Whatever a flow, a file or an environment variable may hold where something else is meant. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withTypedArray: true,
    maxDepth: 2,
  }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(undefined, null, "", " ", "0", -1, 1e9, NaN, Infinity, {}, [], [[]], true, "__proto__", "${HOME}"),
  bytes(40),
);
