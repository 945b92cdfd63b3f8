/** The one door to the package `serialport`, which is optional and loaded when a pool first needs it. */
import { messageOf, SmpError } from "../../errors";

export type SerialDriver = Pick<typeof import("serialport"), "SerialPort">;

const PACKAGE = "serialport";

/**
 * @param load for tests
 * @throws SMP_LINK_OPEN when the package is missing or has no binary for this machine
 */
export async function loadDriver(
  load: () => Promise<SerialDriver> = () => import("serialport"),
): Promise<SerialDriver> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = /MODULE_NOT_FOUND/.test(String((cause as NodeJS.ErrnoException | undefined)?.code));
    const why = isMissing ? "is not installed" : `does not load: ${messageOf(cause)}`;
    throw new SmpError("SMP_LINK_OPEN", `cannot open serial ports: the package ${PACKAGE} ${why}`, {
      cause,
      retryable: false,
      hint: isMissing
        ? `Run "npm install ${PACKAGE}" in the Node-RED user directory (usually ~/.node-red), then restart Node-RED. tcp:// addresses work without it.`
        : `Run "npm rebuild ${PACKAGE}" in the Node-RED user directory; without a ready binary for this system it needs a C++ compiler and Python.`,
    });
  }
}
