/** What tells Wireshark how to read the captures, and real SMP over UDP: for its folder of Lua plugins. */
import { COMMANDS } from "../smp/commands";

/** The dissector's text. The names of commands are those of the command table. */
export function dissector(): string {
  const names = COMMANDS.map(({ op, group, id, name }) => `  ["${op} ${group} ${id}"] = "${name}",`);
  return DISSECTOR.replace("COMMANDS", names.join("\n"));
}

const DISSECTOR = `-- SMP (MCUmgr) over UDP for Wireshark; made by smp-trace --lua. Put it into the folder "Personal Lua Plugins".
local smp = Proto("smp_mcumgr", "Simple Management Protocol (MCUmgr)")
local ops = { [0] = "read", [1] = "read response", [2] = "write", [3] = "write response" }
local commands = {
COMMANDS
}
local f = {
  op = ProtoField.uint8("smp_mcumgr.op", "Operation", base.DEC, ops, 0x07),
  version = ProtoField.uint8("smp_mcumgr.version", "Version", base.DEC, { [0] = "1", [1] = "2" }, 0x18),
  length = ProtoField.uint16("smp_mcumgr.length", "Length"),
  group = ProtoField.uint16("smp_mcumgr.group", "Group"),
  seq = ProtoField.uint8("smp_mcumgr.seq", "Sequence"),
  id = ProtoField.uint8("smp_mcumgr.id", "Command"),
  name = ProtoField.string("smp_mcumgr.name", "Name"),
}
smp.fields = { f.op, f.version, f.length, f.group, f.seq, f.id, f.name }
function smp.dissector(buffer, pinfo, tree)
  if buffer:len() < 8 then return 0 end
  local op = buffer(0, 1):bitfield(5, 3)
  local side = (op == 0 or op == 1) and "read" or "write"
  local key = side .. " " .. buffer(4, 2):uint() .. " " .. buffer(7, 1):uint()
  local name = commands[key] or key
  pinfo.cols.protocol = "SMP"
  pinfo.cols.info = name .. (op % 2 == 1 and " response" or "") .. ", seq " .. buffer(6, 1):uint()
  local node = tree:add(smp, buffer(0, 8), "SMP " .. name)
  node:add(f.op, buffer(0, 1))
  node:add(f.version, buffer(0, 1))
  node:add(f.length, buffer(2, 2))
  node:add(f.group, buffer(4, 2))
  node:add(f.seq, buffer(6, 1))
  node:add(f.id, buffer(7, 1))
  node:add(f.name, name):set_generated()
  if buffer:len() < buffer:reported_len() then
    node:append_text(", not recorded whole: see the packet's comment")
  elseif buffer:len() > 8 then
    Dissector.get("cbor"):call(buffer(8):tvb(), pinfo, tree)
  end
  return buffer:len()
end
DissectorTable.get("udp.port"):add(1337, smp)
`;
