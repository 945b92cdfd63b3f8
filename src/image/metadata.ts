/** What the header's flags and the TLVs say about an image. */
import { SmpError } from "../errors";
import type { Layout } from "./layout";
import { COMPRESSED, ENCRYPTED, FLAG, parseVersionField } from "./mcuboot";
import { checkLength, HASH_TLVS, SIGNATURE_TLVS, TLV, tlvName, type HashAlgorithm, type Tlv } from "./tlv";
import type { Version } from "./version";

/** Another image must be there in at least this version, or MCUboot refuses the swap. */
export interface Dependency {
  readonly image: number;
  readonly minVersion: Version;
}

export interface TlvSummary {
  readonly type: number;
  readonly name: string;
  readonly lengthBytes: number;
  readonly protected: boolean;
}

export interface ImageMetadata {
  /** SHA-2 of the signer's public key, hex. */
  readonly keyHash?: string;
  /** "Ed25519", "ECDSA", "RSA-2048" or "RSA-3072"; absent when the image is not signed. */
  readonly signature?: string;
  readonly dependencies: readonly Dependency[];
  /** Hardware rollback protection: devices with a higher counter refuse the image. */
  readonly securityCounter?: number;
  /** The header's flag; `imgtool --clear` sets it on a plain image as well. */
  readonly encrypted: boolean;
  /** Not an application; MCUboot does not boot it. */
  readonly nonBootable: boolean;
  readonly compressed: boolean;
  /** Hex. The hash that the image will show once it is installed, where that differs: a compressed image is unpacked by then. */
  readonly installedHash?: string;
  /** Built for this address in flash, so for one slot only. */
  readonly romFixed: boolean;
  /** Where it runs: in RAM, or in flash if `romFixed`. Absent when MCUboot decides. */
  readonly loadAddress?: number;
  readonly tlvs: readonly TlvSummary[];
}

/** @throws SMP_BAD_IMAGE when a TLV has an impossible length */
export function readMetadata({ header, tlvs }: Layout, label: string): ImageMetadata {
  // MCUboot takes these from the protected area only: elsewhere the signature would not cover them.
  const protectedTlvs = tlvs.filter((tlv) => tlv.isProtected);
  const ofType = (type: number): Tlv[] => protectedTlvs.filter((tlv) => tlv.type === type);
  const keyHash = tlvs.find(({ type }) => type === TLV.KEY_HASH);
  const signature = tlvs.find(({ type }) => type in SIGNATURE_TLVS);
  const [counter] = ofType(TLV.SECURITY_COUNTER);
  const [installedHash] = ofType(TLV.DECOMPRESSED_HASH);
  if (counter) checkLength(counter, 4, label);
  const has = (flags: number): boolean => (header.flags & flags) !== 0;
  return {
    ...(keyHash && { keyHash: keyHash.data.toString("hex") }),
    ...(signature && { signature: SIGNATURE_TLVS[signature.type]! }),
    dependencies: ofType(TLV.DEPENDENCY).map((tlv) => readDependency(tlv, label)),
    ...(counter && { securityCounter: counter.data.readUInt32LE(0) }),
    encrypted: has(ENCRYPTED),
    nonBootable: has(FLAG.NON_BOOTABLE),
    compressed: has(COMPRESSED),
    ...(has(COMPRESSED) && installedHash && { installedHash: installedHash.data.toString("hex") }),
    romFixed: has(FLAG.ROM_FIXED),
    ...(has(FLAG.ROM_FIXED | FLAG.RAM_LOAD) && { loadAddress: header.loadAddress }),
    tlvs: tlvs.map(summaryOf),
  };
}

/** The one image hash. @throws SMP_BAD_IMAGE when there is none, more than one, or one of the wrong length */
export function readHashTlv({ tlvs, hashedBytes }: Layout, label: string): { algorithm: HashAlgorithm; hash: Buffer } {
  const [tlv, second] = tlvs.filter((each) => !each.isProtected && each.type in HASH_TLVS);
  if (!tlv) {
    throw new SmpError("SMP_BAD_IMAGE", `${label} has no hash TLV among those from byte ${hashedBytes} on`, {
      off: hashedBytes,
      hint: "Sign it with imgtool; without its hash a device can neither list nor boot it.",
    });
  }
  if (second) {
    throw new SmpError("SMP_BAD_IMAGE", `${label} has two hash TLVs, at bytes ${tlv.offBytes} and ${second.offBytes}`, {
      off: second.offBytes,
      hint: "Sign the plain binary, not an image that is signed already.",
    });
  }
  const { algorithm, lengthBytes } = HASH_TLVS[tlv.type]!;
  checkLength(tlv, lengthBytes, label);
  return { algorithm, hash: tlv.data };
}

/** `struct image_dependency`: image number, 3 bytes of padding, version. */
function readDependency(tlv: Tlv, label: string): Dependency {
  checkLength(tlv, 12, label);
  const view = new DataView(tlv.data.buffer, tlv.data.byteOffset, tlv.data.byteLength);
  return { image: view.getUint8(0), minVersion: parseVersionField(view, 4) };
}

function summaryOf({ type, data, isProtected }: Tlv): TlvSummary {
  return { type, name: tlvName(type), lengthBytes: data.length, protected: isProtected };
}
