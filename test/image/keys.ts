/** Keys and images that were signed with them, made by imgtool. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePublicKeys, type PublicKey } from "../../src/image/public-key";
import { verifySignature, type SignatureCheck } from "../../src/image/signature";
import { openFirmware } from "../../src/image/source";
import { IMAGES } from "./samples";

export function imageFile(name: string): Buffer {
  return readFileSync(join(IMAGES, name));
}

/** By the name of the PEM file without its ending, e.g. "ed25519" or "signed/ed25519". */
export function keyOf(name: string): PublicKey {
  const file = `${name}.pub.pem`;
  return parsePublicKeys(imageFile(file).toString(), file)[0]!;
}

export async function check(image: Uint8Array, ...keys: PublicKey[]): Promise<SignatureCheck> {
  return verifySignature(await openFirmware(image), keys);
}
