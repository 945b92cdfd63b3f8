/** File system group (8). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_8.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { bytes, either, map, optional, record, text, uint } from "../shape";

const read = { op: "read", group: GROUP.FS, repeatable: true, timeoutMs: TIMEOUT_MS.FLASH } as const;

export const download = command({
  ...read,
  name: "fs.download",
  id: 0,
  request: { off: uint, name: text },
  /** `len` comes with offset 0 only. */
  response: { off: uint, data: bytes, len: optional(uint) },
});

/** Unlike an image upload, a wrong offset is an error (11), and offset 0 truncates the file. */
export const uploadFile = command({
  ...read,
  op: "write",
  name: "fs.upload",
  id: 0,
  request: { off: uint, data: bytes, name: text, len: optional(uint) },
  response: { off: uint },
  repeatable: false,
});

export const fileStatus = command({
  ...read,
  name: "fs.status",
  id: 1,
  request: { name: text },
  response: { len: uint },
});

export const fileHash = command({
  ...read,
  name: "fs.hash",
  id: 2,
  request: { name: text, type: optional(text), off: optional(uint), len: optional(uint) },
  response: { type: text, off: optional(uint), len: uint, output: either(uint, bytes) },
});

export const fileHashTypes = command({
  ...read,
  name: "fs.hashTypes",
  id: 3,
  request: {},
  /** `format` 0: unsigned integer, 1: byte string; `size` in bytes. */
  response: { types: record(map({ format: uint, size: uint })) },
});

export const closeFile = command({ ...read, op: "write", name: "fs.close", id: 4, request: {}, response: {} });
