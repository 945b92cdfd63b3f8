import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** `kill -9`, which is sent before this returns, as a power cut: nobody is told, nothing is kept. Done once it has ended. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
