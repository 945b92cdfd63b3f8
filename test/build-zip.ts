/** Builds ZIP files for tests, also wrong ones. Source: PKWARE APPNOTE 6.3, sections 4.3 and 4.4. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipFile {
  readonly name: string;
  readonly data: Uint8Array | string;
  /** Stored when absent. */
  readonly packed?: boolean;
  /** What the directory says, when that is not so. */
  readonly claims?: { readonly sizeBytes?: number; readonly encrypted?: boolean };
}

export function buildZip(files: readonly ZipFile[]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let off = 0;
  for (const { name, data, packed = false, claims } of files) {
    const content = Buffer.from(data);
    const body = packed ? deflateRawSync(content) : content;
    const sizes = { sizeBytes: claims?.sizeBytes ?? content.length, packedBytes: body.length };
    const shared = sharedHeader({ name, packed, crc: crc32(content), encrypted: claims?.encrypted ?? false, ...sizes });
    const local = Buffer.concat([bytes("504b0304"), shared, Buffer.from(name), body]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(off, 10);
    directory.push(bytes("504b01021400"), shared, rest, Buffer.from(name));
    bodies.push(local);
    off += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(off, 12);
  return Buffer.concat([...bodies, central, bytes("504b0506"), end]);
}

interface Shared {
  readonly name: string;
  readonly packed: boolean;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly sizeBytes: number;
  readonly packedBytes: number;
}

/** From "version needed" to "extra field length": the same in the local header and in the directory. */
function sharedHeader({ name, packed, encrypted, crc, sizeBytes, packedBytes }: Shared): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(20, 0);
  header.writeUInt16LE(encrypted ? 1 : 0, 2);
  header.writeUInt16LE(packed ? 8 : 0, 4);
  header.writeUInt32LE(crc, 10);
  header.writeUInt32LE(packedBytes, 14);
  header.writeUInt32LE(sizeBytes, 18);
  header.writeUInt16LE(Buffer.byteLength(name), 22);
  return header;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

/** Files with a manifest that names them, in the format of the nRF Connect SDK. */
export function buildPackage(files: readonly PackageFile[], more: object = {}): Buffer {
  const entries = files.map(({ file, data, ...rest }) => ({ type: "application", file, size: data.length, ...rest }));
  const manifest = JSON.stringify({ "format-version": 1, time: 1735689600, name: "sensor", files: entries, ...more });
  const content = files.map(({ file, data }): ZipFile => ({ name: file, data, packed: true }));
  return buildZip([...content, { name: "manifest.json", data: manifest, packed: true }]);
}

export interface PackageFile {
  readonly file: string;
  readonly data: Uint8Array;
  /** Goes into the manifest as it is. */
  readonly [key: string]: unknown;
}
