import { messageOf } from "../src/errors";

/**
 * Runs a script of this project as users expect of a command: usage when asked for, and with what is wrong (exit code 2).
 * @param read the settings; undefined when the usage was asked for
 */
export function runCommand<T>(usage: string, read: () => T | undefined, main: (settings: T) => Promise<void>): void {
  try {
    const settings = read();
    if (settings) void main(settings);
    else console.log(usage);
  } catch (thrown) {
    console.error(`${messageOf(thrown)}\n\n${usage}`);
    process.exitCode = 2;
  }
}
