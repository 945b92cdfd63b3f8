/** Settings group (3). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_3.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { bytes, optional, text, uint } from "../shape";

const write = { op: "write", group: GROUP.SETTINGS, repeatable: false, timeoutMs: TIMEOUT_MS.FLASH } as const;

export const readSetting = command({
  name: "settings.read",
  op: "read",
  group: GROUP.SETTINGS,
  id: 0,
  request: { name: text, max_size: optional(uint) },
  response: { val: bytes, max_size: optional(uint) },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.FLASH,
});

export const writeSetting = command({
  ...write,
  name: "settings.write",
  id: 0,
  request: { name: text, val: bytes },
  response: {},
});

export const deleteSetting = command({
  ...write,
  name: "settings.delete",
  id: 1,
  request: { name: text },
  response: {},
});

export const commitSettings = command({ ...write, name: "settings.commit", id: 2, request: {}, response: {} });

export const loadSettings = command({ ...write, op: "read", name: "settings.load", id: 3, request: {}, response: {} });

export const saveSettings = command({
  ...write,
  name: "settings.save",
  id: 3,
  request: { name: optional(text) },
  response: {},
});
