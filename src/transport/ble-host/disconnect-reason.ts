/** Reasons of a disconnection (Bluetooth Core, Vol 1, Part F, "Controller error codes"), as people would say them. */
const REASONS: Readonly<Record<number, string>> = {
  0x03: "the adapter failed",
  0x05: "authentication failed",
  0x06: "the device has forgotten its pairing",
  0x08: "nothing was heard from the device any more (supervision timeout)",
  0x13: "the device ended the connection",
  0x14: "the device ended the connection for lack of memory",
  0x15: "the device ended the connection to power off",
  0x16: "this side ended the connection",
  0x22: "the device did not answer to link control",
  0x3b: "the device did not accept the connection's parameters",
  0x3d: "the encryption did not match: the pairing is out of date",
  0x3e: "the connection was never established",
};

/** @param reason as noble tells it: a number on Linux, nothing elsewhere */
export function disconnectReason(reason: unknown): string {
  if (typeof reason !== "number") return "the device disconnected";
  const code = `0x${reason.toString(16).padStart(2, "0")}`;
  return `${REASONS[reason] ?? "the device disconnected"} (reason ${code})`;
}
