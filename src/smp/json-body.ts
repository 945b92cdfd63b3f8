/**
 * Bodies of messages as JSON, for people and flows. Byte strings, which JSON has not, are Buffers; in a request also
 * `{"$bytes": "<base64>"}`, or a Buffer that was turned into JSON. A request that is bytes itself is CBOR already.
 */
import { messageOf, SmpError } from "../errors";
import { base64Bytes, bytesFromJson } from "../framing/text-bytes";
import { MAX_DEPTH } from "./cbor-check";
import { decodeBody, type CborMap } from "./message";

/** A larger integer would be sent as a float, which servers do not take for an integer. */
const LARGEST_SHORT_INTEGER = 0xffff_ffff;

/**
 * What a request's JSON stands for. Absent keys are left out.
 * @param what names it in messages, e.g. "msg.payload"
 * @throws SMP_BAD_INPUT that names the key at fault
 */
export function bodyFromJson(json: unknown, what: string): CborMap {
  const bytes = json instanceof Uint8Array ? json : isMap(json) ? bytesOf(json, what) : undefined;
  if (bytes) return mapFromJson(bodyFromCbor(bytes, what), what, 0);
  if (isMap(json)) return mapFromJson(json, what, 0);
  throw badBody(what, "is no object: the body of an SMP request is a map");
}

function bodyFromCbor(bytes: Uint8Array, what: string): CborMap {
  try {
    return decodeBody(bytes);
  } catch (thrown) {
    throw badBody(what, `is ${bytes.length} bytes that are no request: ${messageOf(thrown)}`);
  }
}

/** An answer's body with byte strings as Buffers of their own, and integers beyond 2^53 as decimal text. */
export function bodyToJson(body: CborMap): CborMap {
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, valueToJson(value)]));
}

function valueToJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(valueToJson);
  return typeof value === "object" && value !== null ? bodyToJson(value as CborMap) : value;
}

function mapFromJson(map: CborMap, path: string, depth: number): CborMap {
  const present = Object.entries(map).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([key, value]) => [key, valueFromJson(value, `${path}.${key}`, depth + 1)]));
}

function valueFromJson(value: unknown, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw badBody(path, `is more than ${MAX_DEPTH} levels deep`);
  if (typeof value === "number") return numberFromJson(value, path);
  if (isPlain(value) || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item, index) => valueFromJson(item, `${path}[${index}]`, depth + 1));
  if (!isMap(value)) throw badBody(path, `is ${whatIs(value)}, which JSON has not`);
  return bytesOf(value, path) ?? mapFromJson(value, path, depth);
}

function isPlain(value: unknown): boolean {
  return value === null || ["string", "boolean", "bigint"].includes(typeof value);
}

function numberFromJson(value: number, path: string): number | bigint {
  if (!Number.isFinite(value)) throw badBody(path, `is ${value}, which JSON has not`);
  return Number.isSafeInteger(value) && Math.abs(value) > LARGEST_SHORT_INTEGER ? BigInt(value) : value;
}

/** The bytes that an object stands for, if it does. */
function bytesOf(value: CborMap, path: string): Uint8Array | undefined {
  const { $bytes } = value;
  if ($bytes === undefined) return bytesFromJson(value);
  const bytes = typeof $bytes === "string" ? base64Bytes($bytes) : undefined;
  if (!bytes || Object.keys(value).length > 1) throw badBody(path, 'must be {"$bytes": "<base64>"} and no more');
  return bytes;
}

/** By its name and not by its prototype, for function nodes have objects of their own. */
function isMap(value: unknown): value is CborMap {
  return Object.prototype.toString.call(value) === "[object Object]" && !(value instanceof Map);
}

function whatIs(value: unknown): string {
  return typeof value === "object" ? `a ${Object.prototype.toString.call(value).slice(8, -1)}` : `a ${typeof value}`;
}

function badBody(path: string, what: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `${path} ${what}`, {
    field: path,
    hint: 'Give the request as JSON with bytes as Buffers or {"$bytes": "<base64>"}, or as a Buffer with its CBOR.',
  });
}
