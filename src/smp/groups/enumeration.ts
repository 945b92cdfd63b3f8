/** Enumeration group (10), Zephyr 4.1 and later. https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_10.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { bool, list, map, optional, text, uint } from "../shape";

const read = { op: "read", group: GROUP.ENUMERATION, repeatable: true, timeoutMs: TIMEOUT_MS.QUICK } as const;

export const countGroups = command({ ...read, name: "enum.count", id: 0, request: {}, response: { count: uint } });

export const listGroups = command({ ...read, name: "enum.list", id: 1, request: {}, response: { groups: list(uint) } });

export const oneGroup = command({
  ...read,
  name: "enum.single",
  id: 2,
  request: { index: optional(uint) },
  response: { group: uint, end: optional(bool) },
});

export const groupDetails = command({
  ...read,
  name: "enum.details",
  id: 3,
  request: { groups: optional(list(uint)) },
  response: { groups: list(map({ group: uint, name: optional(text), handlers: optional(uint) })) },
});
