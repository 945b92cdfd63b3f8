/** Statistics group of the virtual device, with the group of Zephyr's smp_svr sample (grp/stat_mgmt). */
import { stat } from "../smp/commands";
import type { HandlerTable } from "./handlers";
import type { Host } from "./host";
import { Refusal } from "./refusal";

export function addStatGroup(table: HandlerTable, host: Host): void {
  const groups: Record<string, () => Record<string, number>> = {
    smp_svr_stats: () => ({ ticks: Math.floor(host.uptimeMs() / 1000) }),
  };
  table.on(stat.readStatistics, ({ name }) => {
    const read = Object.hasOwn(groups, name) ? groups[name] : undefined;
    if (!read) throw new Refusal(host.profile.unknownStatistics);
    return { name, fields: read() };
  });
  const rc = host.profile.rcInStatisticsList ? { rc: 0 } : {};
  table.on(stat.listStatistics, () => ({ ...rc, stat_list: Object.keys(groups) }), "ignored");
}
