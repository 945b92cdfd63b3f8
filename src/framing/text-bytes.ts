/** Bytes as text and as JSON. */

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const HEX = /^(?:[0-9A-Fa-f]{2})+$/;

/** Of both alphabets, with or without padding and line breaks; undefined when it is none. */
export function base64Bytes(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/\s/g, "");
  const length = plain.replace(/=+$/, "").length;
  const isPadded = length === plain.length || plain.length % 4 === 0;
  const isBase64 = BASE64.test(plain) && length % 4 !== 1 && isPadded;
  return isBase64 ? new Uint8Array(Buffer.from(plain, "base64")) : undefined;
}

/** In either case, also with blanks or colons between; undefined when it is none. */
export function hexBytes(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/[\s:]/g, "");
  return HEX.test(plain) ? new Uint8Array(Buffer.from(plain, "hex")) : undefined;
}

/** Those of a Buffer that went through JSON, `{ type: "Buffer", data: [1, 2] }`; undefined when it is none. */
export function bytesFromJson(value: unknown): Uint8Array | undefined {
  if (typeof value !== "object" || value === null || !("type" in value) || !("data" in value)) return undefined;
  const { type, data } = value;
  if (type !== "Buffer" || !Array.isArray(data) || !data.every(isByte)) return undefined;
  return Uint8Array.from(data);
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xff;
}
