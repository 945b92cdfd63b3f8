/** Zephyr basic group (63). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_63.html */
import { command, GROUP, TIMEOUT_MS } from "../command";

/** Erases the storage partition: all settings, Bluetooth bonds among them. */
export const eraseStorage = command({
  name: "basic.eraseStorage",
  op: "write",
  group: GROUP.BASIC,
  id: 0,
  request: {},
  response: {},
  repeatable: false,
  timeoutMs: TIMEOUT_MS.ERASE,
});
