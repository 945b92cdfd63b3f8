/** OS group of the virtual device: echo, reset, parameters, info, bootloader info (grp/os_mgmt/src/os_mgmt.c). */
import { SMP_RC } from "../smp/codes";
import { GROUP } from "../smp/command";
import { os } from "../smp/commands";
import { anything, optional, text } from "../smp/shape";
import type { Call, HandlerTable } from "./handlers";
import type { Host } from "./host";
import { Refusal } from "./refusal";

const QUERY_YIELDS_NO_ANSWER = 3;
const INVALID_FORMAT = 2;
/** CONFIG_MCUMGR_GRP_OS_INFO_MAX_RESPONSE_SIZE. */
const INFO_BYTES = 256;

export function addOsGroup(table: HandlerTable, host: Host): void {
  const { profile } = host;
  addEcho(table);
  table.on({ ...os.reset, request: { force: anything, boot_mode: anything } }, resetHandler(host), "lenient");
  if (profile.parameters) {
    table.on(os.parameters, () => ({ buf_size: profile.bufSize, buf_count: profile.bufCount }), "ignored");
  }
  if (profile.info) table.on(os.info, ({ format }) => ({ output: infoText(host, format ?? "") }));
  if (profile.bootloaderInfo) table.on(os.bootloaderInfo, ({ query }) => bootloaderInfo(host, query));
}

/** Served for both operations; without `d` the real servers echo an empty text (recordings, 3.4.99 and 4.4). */
function addEcho(table: HandlerTable): void {
  const row = { ...os.echo, request: { d: optional(text) } };
  table.on(row, ({ d }) => ({ r: d ?? "" }));
  table.on({ ...row, op: "read" }, ({ d }) => ({ r: d ?? "" }));
}

/** Arguments that cannot be decoded are ignored: a reset is a core command. */
function resetHandler(host: Host) {
  return ({ force, boot_mode }: { force?: unknown; boot_mode?: unknown }, call: Call) => {
    const objection = host.hooks.reset?.({ force: force === true || force === 1 });
    if (objection) throw new Refusal(objection);
    const bootMode = host.profile.bootMode && typeof boot_mode === "number" ? boot_mode : os.RESET_INTO.APPLICATION;
    call.afterAnswer(() => host.resetSoon(bootMode));
    return {};
  };
}

/** As `uname`: what the letters ask for, in the server's order; by default the kernel's name. */
function infoText(host: Host, format: string): string {
  const fields: readonly (readonly [letter: string, value: string])[] = [
    ["s", "Zephyr"],
    ["n", host.name],
    ["r", "unknown"],
    ["v", host.profile.kernelVersion],
    ["m", "virtual"],
    ["p", "virtual"],
    ["i", "smp-virtual-device"],
    ["o", "Zephyr"],
  ];
  if (!/^[asnrvmpio]*$/.test(format)) throw new Refusal({ group: GROUP.OS, rc: INVALID_FORMAT });
  const wanted = format === "" ? "s" : format;
  const shown = fields.filter(([letter]) => wanted.includes("a") || wanted.includes(letter));
  const output = shown.map(([, value]) => value).join(" ");
  if (Buffer.byteLength(output) >= INFO_BYTES) throw new Refusal({ rc: SMP_RC.TOO_LARGE });
  return output;
}

function bootloaderInfo(host: Host, query: string | undefined) {
  if (query === undefined) return { bootloader: "MCUboot" };
  if (query !== "mode") throw new Refusal({ group: GROUP.OS, rc: QUERY_YIELDS_NO_ANSWER });
  return { mode: host.bootloaderMode, ...(host.noDowngrade ? { "no-downgrade": true } : {}) };
}
