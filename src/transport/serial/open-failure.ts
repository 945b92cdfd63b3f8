/** Why a port does not open, told from the driver's words, and what to do about it on each system. */
import { messageOf, SmpError } from "../../errors";

interface Reason {
  /** What the driver or the system says; there are no codes. */
  readonly pattern: RegExp;
  readonly what: string;
  readonly hints: Partial<Record<NodeJS.Platform | "other", string>>;
}

const REASONS: readonly Reason[] = [
  {
    pattern: /cannot lock port|resource busy|device or resource busy|temporarily unavailable|access (is )?denied/i,
    what: "another program has it open",
    hints: {
      linux: "Close the other program, e.g. a terminal, a second Node-RED or ModemManager; `fuser -v PORT` names it.",
      darwin: "Close the other program; `lsof PORT` names it.",
      win32: "Close the other program, e.g. a terminal or a serial monitor; Windows lets one program use a COM port.",
    },
  },
  {
    pattern: /permission denied|operation not permitted/i,
    what: "this user may not open it",
    hints: {
      linux:
        "Add the user that runs Node-RED to the group of the port (`sudo usermod -aG dialout USER`; uucp on Arch, then log in anew), or write a udev rule. In a container, also pass `--group-add dialout` and `--device PORT`.",
      other: "Give the user that runs Node-RED the right to open the port.",
    },
  },
  {
    pattern: /no such file|file not found|cannot find|no such device|enxio|enoent/i,
    what: "there is no such port",
    hints: {
      linux:
        "Plug the device in, and look with `ls /dev/serial/by-id`. A container sees only what it was given: `--device PORT`. A usb: address finds a port that changes its name.",
      darwin: "Plug the device in, and look with `ls /dev/cu.*`.",
      win32: "Plug the device in, and look for its COM number in the Device Manager under Ports.",
    },
  },
  {
    pattern: /inappropriate ioctl|not a tty|not a typewriter|is a directory/i,
    what: "it is no serial port",
    hints: { other: "Give the path of a serial port, e.g. /dev/ttyACM0." },
  },
];

/** @param path as the driver knows it */
export function openFailure(path: string, cause: unknown, platform: NodeJS.Platform = process.platform): SmpError {
  const said = messageOf(cause).replace(/^Error:? /, "");
  const reason = REASONS.find(({ pattern }) => pattern.test(said));
  const hint = reason && (reason.hints[platform] ?? reason.hints.other ?? reason.hints.linux);
  return new SmpError("SMP_LINK_OPEN", `cannot open ${path}: ${reason ? `${reason.what} (${said})` : said}`, {
    cause,
    ...(hint !== undefined && { hint: hint.replaceAll("PORT", path) }),
  });
}
