/** Shell group (9). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_9.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { int, list, optional, text } from "../shape";

export const execute = command({
  name: "shell.execute",
  op: "write",
  group: GROUP.SHELL,
  id: 0,
  request: { argv: list(text) },
  /** `o`: what the command printed; `ret`: its exit code. */
  response: { o: text, ret: optional(int) },
  repeatable: false,
  timeoutMs: TIMEOUT_MS.FLASH,
});
