/** Image group (1). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_1.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { bool, bytes, int, list, map, optional, text, uint } from "../shape";

/** One slot as the state list shows it; an absent flag means false, an absent `image` means 0. */
export const slotState = {
  image: optional(uint),
  slot: uint,
  /** "major.minor.revision" or "major.minor.revision.build". */
  version: text,
  /** MCUboot's hash TLV: 32, 48 or 64 bytes. Not the SHA-256 of the file. */
  hash: optional(bytes),
  bootable: optional(bool),
  pending: optional(bool),
  confirmed: optional(bool),
  active: optional(bool),
  permanent: optional(bool),
};

const stateList = { images: list(map(slotState)), splitStatus: optional(int) };

export const readState = command({
  name: "image.readState",
  op: "read",
  group: GROUP.IMAGE,
  id: 0,
  request: {},
  response: stateList,
  repeatable: true,
  timeoutMs: TIMEOUT_MS.FLASH,
});

/** Test (`confirm: false`) or confirm; without hash: confirm what runs. The answer is the new state list. */
export const writeState = command({
  name: "image.writeState",
  op: "write",
  group: GROUP.IMAGE,
  id: 0,
  request: { hash: optional(bytes), confirm: optional(bool) },
  response: stateList,
  repeatable: false,
  timeoutMs: TIMEOUT_MS.FLASH,
});

/** One chunk. `len`, `sha`, `image` and `upgrade` belong to the chunk at offset 0 only. */
export const upload = command({
  name: "image.upload",
  op: "write",
  group: GROUP.IMAGE,
  id: 1,
  request: {
    image: optional(uint),
    /** Bytes of the whole file. */
    len: optional(uint),
    off: uint,
    /** SHA-256 of the whole file: the server resumes an upload with the same one. */
    sha: optional(bytes),
    data: bytes,
    /** Refuse an image that is not newer than the running one. */
    upgrade: optional(bool),
  },
  response: {
    /** The next offset that the server wants: always the truth. Absent in some error answers with rc 0. */
    off: uint,
    /** After the last chunk, if built in: whether flash holds the bytes that `sha` announced. */
    match: optional(bool),
  },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

/** Erases a slot (default: the secondary of the running image) before it answers. */
export const erase = command({
  name: "image.erase",
  op: "write",
  group: GROUP.IMAGE,
  id: 5,
  request: { slot: optional(uint) },
  response: {},
  repeatable: true,
  timeoutMs: TIMEOUT_MS.ERASE,
});

/** CONFIG_MCUMGR_GRP_IMG_SLOT_INFO, by default only in builds for several images: rc 8 is a normal answer. */
export const slotInfo = command({
  name: "image.slotInfo",
  op: "read",
  group: GROUP.IMAGE,
  id: 6,
  request: {},
  response: {
    images: list(
      map({
        image: uint,
        slots: list(map({ slot: uint, size: optional(uint), upload_image_id: optional(uint), rc: optional(int) })),
        /** Bytes of the largest image that can be swapped: the slot less MCUboot's trailer. */
        max_image_size: optional(uint),
      }),
    ),
  },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});
