/** Tells what a file is that is no MCUboot image, and what to use instead. */
import { SmpError } from "../errors";
import { IMAGE_MAGIC } from "./mcuboot";

interface FileKind {
  readonly matches: (start: Buffer) => boolean;
  /** Completes "… is no MCUboot image: it is". */
  readonly is: string;
  readonly hint: string;
}

/** So many bytes from the start are enough to tell the kinds apart. */
export const START_BYTES = 512;

/** The first that matches counts. */
const KINDS: readonly FileKind[] = [
  {
    matches: startsWith(0x3c, 0xb8, 0xf3, 0x96),
    is: "an image of MCUboot's old format, version 1",
    hint: "Sign it again with the imgtool of a current MCUboot.",
  },
  {
    matches: startsWith(0x96, 0xf3, 0xb8, 0x3d),
    is: "an image for a big-endian device",
    hint: "Only little-endian images are supported; sign it without --endian big.",
  },
  {
    // The magic, taken for text and written again as UTF-8.
    matches: (start) => startsWith(0x3d, 0xef, 0xbf, 0xbd)(start) || startsWith(0x3d, 0xc2, 0xb8, 0xc3)(start),
    is: "an image that was handled as text on its way, which destroyed it",
    hint: "Let every node on the way give a Buffer: no text, no encoding.",
  },
  {
    matches: isText(/^Pbjzl/),
    is: "an image as Base64 text",
    hint: "Decode the Base64 to a Buffer first.",
  },
  {
    matches: startsWith(0x7f, 0x45, 0x4c, 0x46),
    is: "an ELF file, the linker's output",
    hint: "Use zephyr.signed.bin from the same build directory.",
  },
  {
    matches: isText(/^:[0-9a-f]{8}/i),
    is: "an Intel HEX file",
    hint: "Use zephyr.signed.bin; merged.hex also holds the bootloader and is for a programmer only.",
  },
  {
    matches: isText(/^S[0-9][0-9a-f]{4}/i),
    is: "a Motorola S-record file",
    hint: "Use zephyr.signed.bin from the same build directory.",
  },
  {
    matches: startsWith(0x55, 0x46, 0x32, 0x0a),
    is: "a UF2 file",
    hint: "Use zephyr.signed.bin from the same build directory.",
  },
  {
    matches: startsWith(0x50, 0x4b, 0x03, 0x04),
    is: "a ZIP file",
    hint: "Give the package itself as firmware, not packed in another one.",
  },
  {
    matches: startsWith(0x1f, 0x8b),
    is: "a gzip file",
    hint: "Unpack it first.",
  },
  {
    matches: startsWith(0xd8, 0x6b),
    is: "a SUIT envelope, which is not for MCUboot",
    hint: "SUIT devices are not supported.",
  },
  {
    matches: isText(/^\s*<(!doctype|html|\?xml)/i),
    is: "a web page",
    hint: "The download failed, or its address is that of a page that asks for a login.",
  },
  {
    matches: isText(/^/),
    is: "text",
    hint: "Use zephyr.signed.bin of the build.",
  },
  {
    matches: (start) => start.every((byte) => byte === 0xff),
    is: "erased flash",
    hint: "Dump the slot where the image lies, or use zephyr.signed.bin of the build.",
  },
];

const UNSIGNED: Pick<FileKind, "hint"> = {
  hint: "Use zephyr.signed.bin, not zephyr.bin (CONFIG_BOOTLOADER_MCUBOOT must be on, and a signing key set).",
};

/**
 * The error for bytes that do not start with MCUboot's magic.
 * @param start the first bytes, up to {@link START_BYTES}
 */
export function notAnImage(start: Buffer, label: string): SmpError {
  const kind = KINDS.find((each) => each.matches(start));
  const found = start.subarray(0, 4).toString("hex");
  const what = kind
    ? `it is ${kind.is}`
    : `it has no image header, so it is an unsigned image or no firmware (starts with ${found}, not ${IMAGE_MAGIC.toString("hex")})`;
  return new SmpError("SMP_BAD_IMAGE", `${label} is no MCUboot image: ${what}`, { hint: (kind ?? UNSIGNED).hint });
}

function startsWith(...expected: number[]): (start: Buffer) => boolean {
  return (start) => expected.every((byte, index) => start[index] === byte);
}

/** Matches when all is readable text, and begins so. */
function isText(begin: RegExp): (start: Buffer) => boolean {
  return (start) => {
    try {
      // Streaming, because the last character may be cut.
      const text = new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: true });
      // eslint-disable-next-line no-control-regex
      return !/[\0-\x08\x0e-\x1f\x7f]/.test(text) && begin.test(text);
    } catch {
      return false;
    }
  };
}
