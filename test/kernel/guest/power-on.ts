/** Switches the adapter on over the kernel's management channel, as `btmgmt power on` does (BlueZ doc/mgmt-api.txt). */
import type { EventEmitter } from "node:events";

const SET_POWERED = 0x0005;
const COMMAND_COMPLETE = 0x0001;
const AGAIN_MS = 500;

interface ControlSocket extends EventEmitter {
  bindControl(): void;
  start(): void;
  stop(): void;
  write(message: Buffer): void;
}

/** Asks until the kernel has set the adapter hci0 up. */
export async function powerOn(): Promise<void> {
  // oxlint-disable-next-line typescript/no-require-imports -- the native module is only of use in the guest
  const Socket = require("@abandonware/bluetooth-hci-socket") as new () => ControlSocket;
  const socket = new Socket();
  socket.bindControl();
  socket.start();
  const command = Buffer.from([SET_POWERED, 0, 0, 0, 1, 0, 1]);
  await new Promise<void>((resolve) => {
    const asking = setInterval(() => socket.write(command), AGAIN_MS);
    socket.on("data", (message: Buffer) => {
      const isAnswer = message.readUInt16LE(0) === COMMAND_COMPLETE && message.readUInt16LE(6) === SET_POWERED;
      if (!isAnswer || message[8] !== 0) return;
      clearInterval(asking);
      resolve();
    });
  });
  socket.stop();
}
