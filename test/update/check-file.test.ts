import { assertRow, sha, type Row } from "./check-rows";
import { imageBytes } from "../images";
import { B, C } from "./bench";

const NON_BOOTABLE = 0x10;

describe("the check of a file", () => {
  const rows: readonly Row[] = [
    {
      it: "says that the content is as its hash says",
      check: "content",
      level: "ok",
      says: /has the hash that its TLV says \(SHA-256\)/,
      with: {},
    },
    {
      it: "explains why an encrypted content cannot be checked",
      check: "content",
      level: "unknown",
      says: /encrypted.* only the device can check/,
      with: { file: imageBytes("ed25519-encrypted-1.7.0.bin") },
    },
    {
      it: "refuses what MCUboot never installs",
      check: "usable",
      level: "refuse",
      says: /not bootable/,
      with: { build: { flags: NON_BOOTABLE } },
      code: "SMP_BAD_IMAGE",
    },
    {
      it: "takes the SHA-256 that is expected, in any case",
      check: "file-sha256",
      level: "ok",
      says: /SHA-256 that is expected/,
      with: { file: B, policy: { fileSha256: sha(B).toUpperCase() } },
    },
    {
      it: "refuses another file than the one that is expected",
      check: "file-sha256",
      level: "refuse",
      says: new RegExp(`its SHA-256 is ${sha(B)}, expected ${sha(C)}`),
      with: { file: B, policy: { fileSha256: sha(C) } },
      code: "SMP_WRONG_FILE",
    },
    {
      it: "warns of a file that is not signed when there is no key",
      check: "signature",
      level: "warn",
      says: /not signed/,
      with: {},
    },
    {
      it: "says that a signature was not verified without a key",
      check: "signature",
      level: "unknown",
      says: /signed \(Ed25519\); no public key is given/,
      with: { file: imageBytes("ed25519-1.5.0.bin") },
    },
    {
      it: "says who signed it",
      check: "signature",
      level: "ok",
      says: /signed by me/,
      with: { signature: { result: "verified", because: "it is signed by me" } },
    },
    ...(["unsigned", "wrong-key", "broken", "unsupported"] as const).map((result) => ({
      it: `refuses a signature that is ${result}`,
      check: "signature" as const,
      level: "refuse" as const,
      says: /^a Buffer of \d+ bytes is refused: it is so/,
      with: { signature: { result, because: "it is so" } },
      code: "SMP_BAD_SIGNATURE" as const,
    })),
  ];
  for (const row of rows) it(row.it, () => assertRow(row));
});
