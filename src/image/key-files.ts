/** Public keys from a setting: pasted text, and paths of files. */
import { throwIfAborted } from "../clock";
import { messageOf, SmpError } from "../errors";
import { openFile } from "./file-source";
import type { FolderLimits } from "./folders";
import { parseKeyBytes, parsePublicKeys, refusePrivate, type PublicKey } from "./public-key";

/** Where public keys are. */
export interface KeySetting {
  readonly pasted: readonly PublicKey[];
  /** Of files with one key or more. */
  readonly paths: readonly string[];
}

/** Blocks of PEM; declarations of C and Rust, up to their semicolon; arrays without one. */
const PASTED =
  /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----|\b(?:const|static|extern)\b[^;]*;|[[{][^\]}]*[\]}]/g;
/** What is left of a key whose beginning or end is missing. */
const FRAGMENT = /-----|\b0x[0-9a-f]{2}\b/i;
/** Of C, Rust and people. */
const REMARKS = /\/\*[\s\S]*?\*\/|^\s*(?:#|\/\/).*$/gm;

/**
 * Takes a setting apart: keys that stand in it, and one path on each other line.
 * @throws SMP_BAD_SETTING for a pasted key that is none, or a private one
 */
export function readKeySetting(text: string): KeySetting {
  refusePrivate(text, "the pasted key");
  const pastes = text.match(PASTED) ?? [];
  const keys = pastes
    .filter((paste) => !/_len\b/.test(paste))
    .flatMap((paste) => parsePublicKeys(paste, "the pasted key"));
  const pasted = keys.map((key, index) => (keys.length > 1 ? { ...key, name: `pasted key ${index + 1}` } : key));
  const lines = text.replace(PASTED, "\n").replace(REMARKS, "").split("\n");
  if (lines.some((line) => FRAGMENT.test(line))) {
    throw new SmpError("SMP_BAD_SETTING", "the pasted key is not whole: its beginning or its end is missing", {
      field: "keys",
      hint: "Paste it from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----.",
    });
  }
  return { pasted, paths: lines.map((line) => line.trim()).filter((line) => line !== "") };
}

/** Far more than any key file has, and less than any firmware. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * All keys of a setting, those of its files as they are now.
 * @throws SMP_BAD_SETTING when a file cannot be read or holds no public key
 */
export async function loadPublicKeys(
  { pasted, paths }: KeySetting,
  options: { folders?: FolderLimits | undefined; signal?: AbortSignal | undefined } = {},
): Promise<PublicKey[]> {
  const files = await Promise.all(paths.map((path) => readKeyFile(path, options)));
  return [...pasted, ...files.flat()];
}

async function readKeyFile(
  path: string,
  { folders, signal }: { folders?: FolderLimits | undefined; signal?: AbortSignal | undefined },
): Promise<PublicKey[]> {
  const bytes = await readSmallFile(path, folders, signal);
  // The binary form begins with an ASN.1 sequence.
  return bytes[0] === 0x30 && bytes[1] !== 0x78
    ? [parseKeyBytes(bytes, path)]
    : parsePublicKeys(bytes.toString("latin1"), path);
}

async function readSmallFile(
  path: string,
  folders: FolderLimits | undefined,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  try {
    const source = await openFile(path, "the public key", { folders, signal });
    try {
      if (source.sizeBytes > MAX_FILE_BYTES)
        throw new Error(`${path} has ${source.sizeBytes} bytes: it is no key file`);
      return Buffer.from(await source.read(0, source.sizeBytes));
    } finally {
      await source.close();
    }
  } catch (thrown) {
    throwIfAborted(signal);
    throw new SmpError("SMP_BAD_SETTING", messageOf(thrown), {
      field: "keys",
      hint: thrown instanceof SmpError ? thrown.hint : "Name files of public keys in PEM form.",
    });
  }
}
