/**
 * Entry of the child process in which noble lives: noble blocks the whole process while it connects, leaves calls unsettled
 * and ends it on SIGINT. It lives as long as its parent holds the channel to it.
 */
import { HostTasks } from "./tasks";
import type { FromHost, HostSettings, ToHost } from "./messages";

const settings = JSON.parse(process.argv[2] ?? "{}") as HostSettings;
const ignore = (): void => {};

process.on("disconnect", () => process.exit(0));
// Meant for the parent, which ends us when it is ready to.
process.on("SIGTERM", ignore);
process.on("SIGINT", ignore);

// @abandonware/noble flushes packets of links that are gone, in promises that nobody awaits; the other links are none the worse.
process.on("unhandledRejection", (reason) => void process.stderr.write(`unhandled rejection: ${String(reason)}\n`));

const tasks = new HostTasks(settings, {
  tell: (message: FromHost) => {
    if (process.connected) process.send?.(message);
  },
  // noble ends the process on SIGINT unless somebody listens after it.
  onReady: () => void process.on("SIGINT", ignore),
});
process.on("message", (message: ToHost) => tasks.take(message));
