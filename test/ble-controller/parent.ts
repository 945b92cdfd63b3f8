/** Opens a link and tells its Bluetooth process's id; to be killed. */
import { bleTransport } from "../../src/transport/ble";

async function main(): Promise<void> {
  const execArgv = JSON.parse(process.env["HOST_EXEC_ARGV"]!) as string[];
  const transport = bleTransport({ driver: process.argv[2] as "abandonware" | "stoprocent" }, { execArgv });
  await transport.open(transport.parse("sensor-1"), new AbortController().signal);
  process.send!(transport.pid);
}

void main();
