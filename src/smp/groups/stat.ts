/** Statistics group (2). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_2.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { list, record, text, uint } from "../shape";

export const readStatistics = command({
  name: "stat.read",
  op: "read",
  group: GROUP.STAT,
  id: 0,
  request: { name: text },
  response: { name: text, fields: record(uint) },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

export const listStatistics = command({
  name: "stat.list",
  op: "read",
  group: GROUP.STAT,
  id: 1,
  request: {},
  response: { stat_list: list(text) },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});
