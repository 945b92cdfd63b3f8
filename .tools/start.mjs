// npm start: Node-RED with example 02, which updates a virtual device at once; the editor stays open.
// npm run demo: the same, without staying. Both take the path of an image: npm run demo -- build/zephyr/zephyr.signed.bin
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { wholeUpdate } from "./demo/example.mjs";
import { startNodeRed } from "./demo/node-red.mjs";
import { seconds, terminalView } from "./demo/terminal.mjs";
import { runUpdate } from "./demo/watch.mjs";

const EDITOR_PORT = 1880;
const UPDATED_WITHIN_MS = 600_000;

const { once, firmware } = commandLine();
const cwd = process.env.INIT_CWD ?? process.cwd(); // npm runs scripts in the package's folder, not in the user's
let nodeRed;
let stopping;

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void leave(0));

try {
  const { flow, buttonId } = wholeUpdate(firmware);
  nodeRed = await startNodeRed({ flow, port: once ? 0 : EDITOR_PORT });
  console.log(`Node-RED ${nodeRed.RED.version()} runs example 02 with the firmware ${relative(cwd, firmware)}`);
  const updated = await runUpdate(nodeRed.RED, buttonId, UPDATED_WITHIN_MS, terminalView(process.stdout));
  console.log(sentence(updated));
  if (once) await leave(0);
} catch (error) {
  tell(error);
  if (once || nodeRed === undefined) await leave(1);
}
if (!stopping) console.log(`\nThe editor is open at ${nodeRed.url} (Ctrl-C ends it)`);

function commandLine() {
  const { values, positionals } = parseArgs({ options: { once: { type: "boolean" } }, allowPositionals: true });
  const given = positionals[0];
  return {
    once: values.once === true,
    firmware: given
      ? resolve(process.env.INIT_CWD ?? "", given)
      : fileURLToPath(new URL("../test/images/ed25519-large-4.0.0.bin", import.meta.url)),
  };
}

function sentence({ device, from, to, current, elapsedMs }) {
  return current
    ? `virtual device ${device} already runs ${to}, confirmed`
    : `updated virtual device ${device} from ${from} to ${to}, confirmed, in ${seconds(elapsedMs)}`;
}

function tell(error) {
  if (error.code === undefined || error.hint === undefined) return console.error(`\nfailed: ${error.stack}`);
  console.error(`\nfailed at ${error.step}: ${error.message} (${error.code})\n${error.hint}`);
}

/** Stops Node-RED and ends the process, once. */
function leave(exitCode) {
  stopping ??= (nodeRed?.stop() ?? Promise.resolve()).finally(() => process.exit(exitCode));
  return stopping;
}
