/**
 * Signatures over a hash that is given, for encrypted images: their plain content, which was hashed and signed, is not at
 * hand. node:crypto verifies RSA and ECDSA over content only. Nothing here is secret, so that time may tell everything.
 * Sources: RFC 8017 section 9.1.2 (PSS), FIPS 186-5 section 6.4.2 and SP 800-186 (ECDSA, P-256).
 */
import { constants, createHash, publicDecrypt, verify, type KeyObject } from "node:crypto";
import type { PublicKey } from "./public-key";

/** Whether the key signed the hash; undefined for kinds of keys with which MCUboot encrypts nothing. */
export function verifyHash({ key, kind }: PublicKey, hash: Buffer, signature: Buffer): boolean | undefined {
  if (kind === "Ed25519") return verify(null, hash, key, signature);
  if (kind === "ECDSA P-256") return isP256Signature(key, hash, signature);
  return kind === "ECDSA P-384" ? undefined : isPssSignature(key, hash, signature);
}

const HASH_BYTES = 32;

function isPssSignature(key: KeyObject, hash: Buffer, signature: Buffer): boolean {
  const encoded = decryptRaw(key, signature);
  if (!encoded || encoded.at(-1) !== 0xbc) return false;
  const own = encoded.subarray(-HASH_BYTES - 1, -1);
  const block = encoded.subarray(0, -HASH_BYTES - 1);
  const mask = mgf1(own, block.length);
  block.forEach((byte, index) => (block[index] = byte ^ mask[index]!));
  // The modulus has a multiple of 8 bits, of which the message uses one less.
  block[0]! &= 0x7f;
  const salt = block.subarray(-HASH_BYTES);
  const padding = block.subarray(0, -HASH_BYTES);
  if (padding.at(-1) !== 1 || padding.subarray(0, -1).some((byte) => byte !== 0)) return false;
  return sha256(Buffer.alloc(8), hash, salt).equals(own);
}

function decryptRaw(key: KeyObject, signature: Buffer): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    // Of another length than the modulus, or larger than it.
    return undefined;
  }
}

function mgf1(seed: Buffer, lengthBytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(lengthBytes / HASH_BYTES) }, (_, index) =>
    sha256(seed, Buffer.from([0, 0, 0, index])),
  );
  return Buffer.concat(blocks).subarray(0, lengthBytes);
}

function sha256(...parts: Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

type Point = readonly [x: bigint, y: bigint] | undefined;

/** y² = x³ − 3x + b modulo P; the generator G has the order N. */
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const G: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
];

function isP256Signature(key: KeyObject, hash: Buffer, signature: Buffer): boolean {
  const [r, s] = derIntegers(signature);
  if (r === undefined || s === undefined || r <= 0n || r >= N || s <= 0n || s >= N) return false;
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const own: Point = [numberOf(Buffer.from(x, "base64url")), numberOf(Buffer.from(y, "base64url"))];
  const inverse = invert(s, N);
  const sum = add(multiply(G, mod(numberOf(hash) * inverse, N)), multiply(own, mod(r * inverse, N)));
  return sum !== undefined && mod(sum[0], N) === r;
}

/** The two of `SEQUENCE { INTEGER, INTEGER }` with lengths below 128, as P-256 has them. */
function derIntegers(der: Buffer): (bigint | undefined)[] {
  if (der[0] !== 0x30) return [];
  const rBytes = der[3] ?? 0;
  const sOff = 4 + rBytes;
  const sBytes = der[sOff + 1] ?? 0;
  if (der[2] !== 2 || der[sOff] !== 2 || der.length < sOff + 2 + sBytes) return [];
  return [numberOf(der.subarray(4, sOff)), numberOf(der.subarray(sOff + 2, sOff + 2 + sBytes))];
}

function numberOf(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
}

function multiply(point: Point, times: bigint): Point {
  let sum: Point;
  let doubled = point;
  for (let rest = times; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** Undefined stands for the point at infinity. */
function add(a: Point, b: Point): Point {
  if (!a || !b) return a ?? b;
  const [[ax, ay], [bx, by]] = [a, b];
  if (ax === bx && mod(ay + by, P) === 0n) return undefined;
  const slope = ax === bx ? (3n * ax * ax - 3n) * invert(2n * ay, P) : (by - ay) * invert(bx - ax, P);
  const x = mod(slope * slope - ax - bx, P);
  return [x, mod(slope * (ax - x) - ay, P)];
}

/** By Euclid's algorithm; the modulus is a prime. */
function invert(value: bigint, modulus: bigint): bigint {
  let [rest, next] = [modulus, mod(value, modulus)];
  let [factor, nextFactor] = [0n, 1n];
  while (next > 0n) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [factor, nextFactor] = [nextFactor, factor - times * nextFactor];
  }
  return mod(factor, modulus);
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}
