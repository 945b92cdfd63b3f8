/** Public keys as they come from `imgtool getpub`, openssl or a build: PEM, or the bytes as a C or Rust array. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { SmpError } from "../errors";

/** The algorithms that MCUboot verifies and this package too. */
export type KeyKind = "Ed25519" | "ECDSA P-256" | "ECDSA P-384" | "RSA-2048" | "RSA-3072";

/** A key that images may be signed with. */
export interface PublicKey {
  /** For messages, e.g. "factory.pub.pem" or "key 2"; never the key itself. */
  readonly name: string;
  readonly kind: KeyKind;
  readonly key: KeyObject;
  /** As MCUboot holds it, and as the key hash TLV is computed over: PKCS #1 for RSA, SubjectPublicKeyInfo for the others. */
  readonly der: Buffer;
}

/** What must not be here: a private key, in PEM or as imgtool writes it for C. */
const PRIVATE = /PRIVATE KEY|_priv_key\b/;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;
/** `{ 0x30, 0x59, … }` of C or `[…]` of Rust. */
const ARRAY = /[[{]\s*((?:0x[0-9a-f]{2}[\s,]*){16,})[\]}]/gi;

/**
 * All public keys in a text.
 * @param name names it in messages; the text itself is never shown
 * @throws SMP_BAD_SETTING when there is no key in it, one that MCUboot does not know, or a private one
 */
export function parsePublicKeys(text: string, name: string): PublicKey[] {
  refusePrivate(text, name);
  const readers = [
    ...Array.from(text.matchAll(PEM), ([, kind, body]) => createPublicKey.bind(undefined, toPem(kind!, body!))),
    ...Array.from(text.matchAll(ARRAY), ([, bytes]) => keyFromDer.bind(undefined, bytesOf(bytes!), name)),
  ];
  if (readers.length === 0) {
    throw keyError(`${name} holds no public key`, "Give PEM text that begins with -----BEGIN PUBLIC KEY-----.");
  }
  return readers.map((read, index) => toPublicKey(read, readers.length > 1 ? `${name}, key ${index + 1}` : name));
}

/** @throws SMP_BAD_SETTING when a private key is in the text */
export function refusePrivate(text: string, name: string): void {
  if (PRIVATE.test(text)) throw privateKey(name);
}

function privateKey(name: string): SmpError {
  return keyError(
    `${name} holds a private key, which must not be here`,
    "Give the public half: imgtool getpub -k KEY.pem -e pem. Take the private key away from this machine.",
  );
}

/** In lines again, which environment variables and forms may have taken away, or written as "\\n". */
function toPem(kind: string, body: string): string {
  const lines = body.replace(/\\n|\s/g, "").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ""].join("\n");
}

/**
 * A key in its binary form, as `imgtool getpub -e raw` writes it.
 * @throws SMP_BAD_SETTING as {@link parsePublicKeys}
 */
export function parseKeyBytes(bytes: Buffer, name: string): PublicKey {
  return toPublicKey(() => keyFromDer(bytes, name), name);
}

function toPublicKey(read: () => KeyObject, name: string): PublicKey {
  const key = readKey(read, name);
  const kind = kindOf(key);
  if (!kind) {
    const found = [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter(Boolean).join(" ");
    throw keyError(`${name} is a key of a kind that signs no MCUboot image (${found})`, KINDS_HINT);
  }
  const der = key.export({ format: "der", type: kind.startsWith("RSA") ? "pkcs1" : "spki" });
  return { name, kind, key, der };
}

function readKey(read: () => KeyObject, name: string): KeyObject {
  try {
    return read();
  } catch (error) {
    if (error instanceof SmpError) throw error;
    // The cause could quote what stands in the text.
    throw keyError(`${name} is no readable public key`, "Copy it again: imgtool getpub -k KEY.pem -e pem.");
  }
}

/** Node.js 22 makes a public key of a private one. */
function isPrivateKey(der: Buffer): boolean {
  return (["pkcs8", "pkcs1", "sec1"] as const).some((type) => {
    try {
      return createPrivateKey({ key: der, format: "der", type }).type === "private";
    } catch {
      return false;
    }
  });
}

function keyFromDer(der: Buffer, name: string): KeyObject {
  if (isPrivateKey(der)) throw privateKey(name);
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return createPublicKey({ key: der, format: "der", type: "pkcs1" });
  }
}

function bytesOf(array: string): Buffer {
  return Buffer.from((array.match(/0x[0-9a-f]{2}/gi) ?? []).map(Number));
}

const CURVES: Readonly<Record<string, KeyKind>> = { prime256v1: "ECDSA P-256", secp384r1: "ECDSA P-384" };
const MODULI: Readonly<Record<number, KeyKind>> = { 2048: "RSA-2048", 3072: "RSA-3072" };

function kindOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): KeyKind | undefined {
  const { namedCurve = "", modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === "ed25519") return "Ed25519";
  if (asymmetricKeyType === "ec") return CURVES[namedCurve];
  return asymmetricKeyType === "rsa" ? MODULI[modulusLength] : undefined;
}

const KINDS_HINT = "MCUboot's keys are Ed25519, ECDSA P-256 and P-384, RSA with 2048 and 3072 bits.";

function keyError(message: string, hint: string): SmpError {
  return new SmpError("SMP_BAD_SETTING", message, { field: "keys", hint });
}
