/** Verifies the signature of an image as MCUboot does. Source: `bootutil/src/image_validate.c`, `imgtool/image.py`. */
import { constants, createVerify, verify } from "node:crypto";
import type { FirmwareSource } from "./firmware-source";
import { newHash, nodeName, readPieces } from "./hashing";
import { isSealed, readLayout, type Layout } from "./layout";
import { readHashTlv } from "./metadata";
import type { PublicKey } from "./public-key";
import { verifyHash } from "./sealed-signature";
import { HASH_TLVS, SIGNATURE_TLVS, TLV, type Tlv } from "./tlv";

/** What the keys say about an image. */
export interface SignatureCheck {
  /** "verified": by one of the keys. "wrong-key": signed, by none of them. "broken": one of them signed something else.
   * "no-key": there was nothing to verify with. */
  readonly result: "verified" | "wrong-key" | "broken" | "unsigned" | "unsupported" | "no-key";
  /** Name of the key that verified it, or for "broken" that should have. */
  readonly key?: string;
  /** A sentence without the file's name, e.g. "it is signed by factory.pub.pem (Ed25519)". */
  readonly because: string;
}

/**
 * Whether an image is signed by one of the keys. One key is enough, as for MCUboot.
 * @throws SMP_BAD_IMAGE when it is no image; SMP_FIRMWARE_SOURCE; the signal's reason on abort
 */
export async function verifySignature(
  source: FirmwareSource,
  keys: readonly PublicKey[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<SignatureCheck> {
  const layout = await readLayout(source);
  const signatures = signaturesOf(layout);
  if (signatures.length === 0) return { result: "unsigned", because: "it is not signed" };
  if (keys.length === 0) {
    return { result: "no-key", because: `it is signed (${nameOf(signatures[0]!)}), with no key here to verify it` };
  }
  let worst: SignatureCheck | undefined;
  for (const signature of signatures) {
    const check = await verifyOne({ source, layout, signature, signal: options.signal }, keys);
    if (check.result === "verified") return check;
    // Of several signatures the one whose key is here tells most.
    if (!worst || worst.result === "wrong-key") worst = check;
  }
  return worst!;
}

interface Signature {
  readonly tlv: Tlv;
  /** TLV before it that names its key. */
  readonly keyTlv: Tlv | undefined;
  readonly isPure: boolean;
}

function signaturesOf({ tlvs }: Layout): Signature[] {
  const signatures: Signature[] = [];
  const isPure = tlvs.some(({ type, data }) => type === TLV.PURE_SIGNATURE && data[0] === 1);
  let keyTlv: Tlv | undefined;
  for (const tlv of tlvs) {
    if (tlv.type === TLV.KEY_HASH || tlv.type === TLV.PUBLIC_KEY) keyTlv = tlv;
    if (tlv.type in SIGNATURE_TLVS) signatures.push({ tlv, keyTlv, isPure });
  }
  return signatures;
}

interface Subject {
  readonly source: FirmwareSource;
  readonly layout: Layout;
  readonly signature: Signature;
  readonly signal: AbortSignal | undefined;
}

async function verifyOne(subject: Subject, keys: readonly PublicKey[]): Promise<SignatureCheck> {
  const { signature } = subject;
  const named = keys.filter((key) => fits(key, signature));
  if (named.length === 0) return { result: "wrong-key", because: wrongKey(signature, keys) };
  const [{ name, kind }] = named as [PublicKey];
  const signed = isSealed(subject.layout)
    ? "its hash, which stands for the encrypted content, is signed"
    : "it is signed";
  for (const key of named) {
    const isGood = await isSignedBy(subject, key);
    if (isGood === undefined) return { result: "unsupported", key: name, because: SEALED };
    if (isGood) return { result: "verified", key: key.name, because: `${signed} by ${key.name} (${key.kind})` };
  }
  // Without a key hash any key of its kind may be meant.
  if (!signature.keyTlv) return { result: "wrong-key", because: wrongKey(signature, keys) };
  return {
    result: "broken",
    key: name,
    because: `its signature names ${name} (${kind}), but that key did not sign this content`,
  };
}

const SEALED = "only the device can verify it: it is encrypted, and the signature covers the plain image";

function wrongKey({ tlv, keyTlv }: Signature, keys: readonly PublicKey[]): string {
  const hash =
    keyTlv?.type === TLV.KEY_HASH ? `the key with the hash ${keyTlv.data.toString("hex").slice(0, 8)}…` : "a key";
  const given = keys.map(({ name, kind }) => `${name} (${kind})`).join(", ");
  return `it is signed by ${hash} (${SIGNATURE_TLVS[tlv.type]}), which is none of those that are allowed: ${given}`;
}

function nameOf({ tlv }: Signature): string {
  return SIGNATURE_TLVS[tlv.type]!;
}

/** Whether the signature is of the key's kind and names the key, if it names one. */
function fits(key: PublicKey, { tlv, keyTlv }: Signature): boolean {
  if (!key.kind.startsWith(SIGNATURE_TLVS[tlv.type]!)) return false;
  if (!keyTlv) return true;
  if (keyTlv.type === TLV.PUBLIC_KEY) return keyTlv.data.equals(key.der);
  const algorithm = Object.values(HASH_TLVS).find(({ lengthBytes }) => lengthBytes === keyTlv.data.length)?.algorithm;
  return algorithm !== undefined && newHash(algorithm).update(key.der).digest().equals(keyTlv.data);
}

/** Undefined when that cannot be told from the file. */
async function isSignedBy(
  { source, layout, signature, signal }: Subject,
  key: PublicKey,
): Promise<boolean | undefined> {
  const { hashedBytes } = layout;
  const value = signature.tlv.data;
  if (signature.isPure) {
    if (key.kind !== "Ed25519" || isSealed(layout)) return undefined;
    // The one algorithm that needs the whole message at once.
    return verify(null, await source.read(0, hashedBytes), key.key, value);
  }
  const { algorithm, hash } = readHashTlv(layout, source.label);
  const digest = newHash(algorithm);
  const verifier = createVerify(nodeName(algorithm));
  for await (const piece of readPieces(source, hashedBytes, signal)) {
    digest.update(piece);
    verifier.update(piece);
  }
  if (digest.digest().equals(hash)) {
    if (key.kind === "Ed25519") return verify(null, hash, key.key, value);
    return verifier.verify({ key: key.key, ...PSS }, withoutPadding(value, key));
  }
  // What is sealed was signed before that: its hash TLV stands for the plain image.
  return isSealed(layout) && verifyHash(key, hash, value);
}

/** As MCUboot has RSA; other keys take no notice. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/** imgtool may fill an ECDSA signature up to the longest one; its DER form says where it ends. */
function withoutPadding(value: Buffer, { kind }: PublicKey): Buffer {
  return kind.startsWith("ECDSA") ? value.subarray(0, (value[1] ?? 0) + 2) : value;
}
