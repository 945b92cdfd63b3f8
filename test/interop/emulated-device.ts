/** A microcontroller in QEMU with MCUboot and Zephyr's SMP server, its serial line a TCP port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { zephyrBuild } from "./peers";
import { endProcess } from "./zephyr-server";
import { freePort } from "../free-port";

export interface Board {
  readonly machine: readonly string[];
  /** How the names of its files end. */
  readonly firmware: string;
  readonly image: string;
  /** Where the application is in memory, unless `firmware` holds it. */
  readonly imageAddress?: string;
}

const MPS2 = ["-cpu", "cortex-m3", "-machine", "mps2-an385"];
const MICROBIT = ["-cpu", "cortex-m0", "-machine", "microbit"];

/** MCUboot runs the image from RAM: one slot, no swap, updates in serial recovery only. */
export const ramLoad = (config: string): Board => ({
  machine: MPS2,
  firmware: `_mps2_an385_${config}.hex`,
  image: `_mps2_an385_${config}.signed.bin`,
  imageAddress: "0x20050000",
});

/** MCUboot swaps two slots; 16 KB RAM. */
export const SWAP: Board = {
  machine: MICROBIT,
  firmware: "_qemu_cortex_m0_serial.merged.hex",
  image: "_qemu_cortex_m0_serial.signed.bin",
};

export class EmulatedDevice {
  readonly address: string;
  /** The serial line's TCP port. */
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.address = `tcp://127.0.0.1:${port}`;
  }

  /** @param isBlank without an application: MCUboot stays in its serial recovery */
  static async start(board: Board, isBlank = false): Promise<EmulatedDevice> {
    const port = await freePort();
    const line = `socket,id=line,host=127.0.0.1,port=${port},server=on,wait=off`;
    const args = [...board.machine, "-nographic", "-monitor", "none", "-chardev", line, "-serial", "chardev:line"];
    args.push("-device", `loader,file=${await zephyrBuild(board.firmware)}`);
    if (board.imageAddress !== undefined && !isBlank) {
      args.push("-device", `loader,file=${await zephyrBuild(board.image)},addr=${board.imageAddress}`);
    }
    const child = spawn("qemu-system-arm", args, { stdio: ["ignore", "ignore", "pipe"] });
    await listening(child, port);
    return new EmulatedDevice(child, port);
  }

  async stop(): Promise<void> {
    await endProcess(this.#child);
  }
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new Error(`${error.message}: apt-get install qemu-system-arm`)));
    child.once("close", (code) => reject(new Error(`qemu-system-arm ended with ${code}: ${said}`)));
  });
  ended.catch(() => undefined);
  while (!(await Promise.race([ended, accepts(port)]))) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
