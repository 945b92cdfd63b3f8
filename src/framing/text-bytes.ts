/** Bytes as text. */

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
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
