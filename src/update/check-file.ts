/** What can be said of a firmware file without a device. */
import type { CheckSubject, Finding } from "./checks";

const IN_RECOVERY = "it has a trailer, without which a bootloader for direct-XIP that can revert boots nothing";

/** Whether MCUboot would ever install it, and only when told to. */
export function checkUsable({ info, inRecovery = false }: CheckSubject): Finding[] {
  if (info.nonBootable) {
    const because = `${info.label} is marked as not bootable: MCUboot would never install it`;
    return [{ check: "usable", level: "refuse", because, error: { code: "SMP_BAD_IMAGE" } }];
  }
  if (!info.trailer) return [];
  const { kind, explanation } = info.trailer;
  if (inRecovery) return [{ check: "usable", level: "ok", because: IN_RECOVERY }];
  if (kind === "test") return [{ check: "usable", level: "warn", because: `${info.label}: ${explanation}` }];
  const because = `${info.label} would be permanent at once: ${explanation}`;
  return [{ check: "usable", level: "refuse", because, error: { code: "SMP_BAD_IMAGE" } }];
}

/** What {@link inspectFirmware} found; damage never comes so far. */
export function checkContent({ info }: CheckSubject): Finding[] {
  if (info.hashCheck === "verified") {
    return [
      { check: "content", level: "ok", because: `its content has the hash that its TLV says (${info.hashAlgorithm})` },
    ];
  }
  const because = "it is encrypted: its hash is that of the plain image, so only the device can check the content";
  return [{ check: "content", level: "unknown", because }];
}

export function checkFileSha256({ info, policy }: Pick<CheckSubject, "info" | "policy">): Finding[] {
  const { fileSha256: expected } = policy;
  if (expected === undefined) return [];
  const check = "file-sha256";
  const found = [info.fileSha256, ...(info.packageSha256 === undefined ? [] : [info.packageSha256])];
  if (found.includes(expected.toLowerCase()))
    return [{ check, level: "ok", because: "the file has the SHA-256 that is expected" }];
  const because = `${info.label} is not the file that is expected: its SHA-256 is ${found.join(", that of its package ")}, expected ${expected}`;
  return [{ check, level: "refuse", because, error: { code: "SMP_WRONG_FILE", field: "sha256" } }];
}

export function checkSignature({ info, signature }: Pick<CheckSubject, "info" | "signature">): Finding[] {
  const check = "signature";
  if (signature?.result === "verified") return [{ check, level: "ok", because: signature.because }];
  if (signature && signature.result !== "no-key") {
    const because = `${info.label} is refused: ${signature.because}`;
    return [{ check, level: "refuse", because, error: { code: "SMP_BAD_SIGNATURE" } }];
  }
  if (info.signature === undefined) return [{ check, level: "warn", because: "it is not signed" }];
  const because = `it is signed (${info.signature}); no public key is given to verify that`;
  return [{ check, level: "unknown", because }];
}
