/** Boots the guest in an emulated machine and waits for what it reports. */
import { spawn } from "node:child_process";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE, type GuestFiles } from "./guest-files";
import { type GuestReport, reportIn } from "./guest/report";

const RUN_MS = 240_000;
/** The kernel itself stumbles at times over a socket that is closed as its link ends (hci_chan_del, Linux 6.1). */
const ATTEMPTS = 2;
const MACHINE = ["-accel", "tcg,thread=multi", "-smp", "2", "-m", "2048", "-nodefaults", "-display", "none"];
const CONSOLE = ["-serial", "stdio", "-no-reboot"];
const COMMAND_LINE = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off";

/** @throws what the guest failed with, or the end of its console when it came to no report */
export async function runGuest(
  { kernel, initramfs }: GuestFiles,
  driver: "abandonware" | "stoprocent",
): Promise<GuestReport> {
  const boot = ["-kernel", kernel, "-initrd", initramfs, "-append", `${COMMAND_LINE} smp_driver=${driver}`];
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce([...MACHINE, ...CONSOLE, ...boot], join(CACHE, `console-${driver}.log`));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      console.log(`once more, because ${String(error)}`);
    }
  }
}

async function runOnce(args: readonly string[], log: string): Promise<GuestReport> {
  const machine = spawn("qemu-system-x86_64", args, {
    timeout: RUN_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let shown = "";
  rmSync(log, { force: true });
  for (const stream of [machine.stdout, machine.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      appendFileSync(log, text);
    });
  }
  const end = await new Promise<string>((resolve) => {
    machine.once("error", (error) => resolve(error.message));
    machine.once("close", (code, signal) =>
      resolve(signal ? `was stopped by ${signal} (the limit is ${RUN_MS / 1000} s)` : `ended with ${code}`),
    );
  });
  const report = reportIn(shown);
  if (report) return report;
  throw new Error(`the guest ${end} without a report:\n${shown.trim().split("\n").slice(-15).join("\n")}`);
}
