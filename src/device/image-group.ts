/** Image group of the virtual device: state, erase, slot info (grp/img_mgmt/src/img_mgmt.c, img_mgmt_state.c). */
import { GROUP } from "../smp/command";
import { image } from "../smp/commands";
import type { CborMap } from "../smp/message";
import { bytes, optional, uint } from "../smp/shape";
import type { Call, HandlerTable } from "./handlers";
import type { Host } from "./host";
import { type SlotEntry } from "./image-store";
import { Refusal } from "./refusal";
import { Upload } from "./upload";

const SLOTS_PER_IMAGE = 2;
const SLOT_IN_USE = 9;

export function addImageGroup(table: HandlerTable, host: Host): void {
  const upload = new Upload(host);
  table.on(image.readState, () => stateList(host), "ignored");
  if (host.profile.setState && host.store.stateWritable) {
    table.on(image.writeState, ({ hash, confirm }) => {
      host.store.setState(hash?.length ? hash : undefined, confirm ?? false);
      return stateList(host);
    });
  }
  const uploadRow = {
    ...image.upload,
    request: { ...image.upload.request, off: optional(uint), data: optional(bytes) },
  };
  table.on(uploadRow, (request, call) => upload.take(request, call));
  table.on(image.erase, ({ slot }, call) => eraseSlot(host, { upload, slot: slot ?? otherSlot(host), call }));
  if (host.profile.slotInfo) table.on(image.slotInfo, () => slotInfo(host), "ignored");
}

function stateList(host: Host): CborMap {
  return {
    images: host.store.list().map((entry) => listed(host, entry)),
    splitStatus: host.profile.frugalList ? undefined : 0,
  };
}

/** `image` is there in builds for several images only. */
function listed(host: Host, entry: SlotEntry): CborMap {
  const { image: number, slot, version, hash, ...flags } = entry;
  const active = flags.active && (number === 0 || host.profile.activeOnEveryImage);
  const shown = Object.entries({ ...flags, active }).filter(([, set]) => set || !host.profile.frugalList);
  return { image: host.store.imageCount > 1 ? number : undefined, slot, version, hash, ...Object.fromEntries(shown) };
}

/** The default of an erase: the slot of image 0 that does not run. */
function otherSlot(host: Host): number {
  return host.store.activeSlot(0) === 0 ? 1 : 0;
}

/** `number` counts the slots of all images. A slot in use may be erased when it holds no readable image. */
function eraseSlot(host: Host, erase: { upload: Upload; slot: number; call: Call }): CborMap {
  const { store, profile, pace } = host;
  const [number, slot] = [Math.floor(erase.slot / SLOTS_PER_IMAGE), erase.slot % SLOTS_PER_IMAGE];
  if (number >= store.imageCount) throw imageRefusal(profile.eraseUnknownSlotRc);
  const readable = store.list().some((entry) => entry.image === number && entry.slot === slot);
  if (readable && store.inUse(number, slot)) throw imageRefusal(SLOT_IN_USE);
  if (profile.eraseResetsUpload) erase.upload.reset();
  const flash = store.slot(number, slot);
  if (flash.isBlank()) {
    if (profile.eraseBlankRc !== 0) throw imageRefusal(profile.eraseBlankRc);
    return {};
  }
  flash.erase(0, flash.sizeBytes);
  erase.call.spend((flash.sizeBytes / flash.pageBytes) * pace.erasePageMs);
  host.log(`erased slot ${slot} of image ${number}`);
  return {};
}

function slotInfo(host: Host): CborMap {
  const images = Array.from({ length: host.store.imageCount }, (_, number) => ({
    image: number,
    slots: Array.from({ length: SLOTS_PER_IMAGE }, (__, slot) => oneSlot(host, number, slot)),
    max_image_size: host.profile.maxImageSize ? host.store.maxImageBytes : undefined,
  }));
  return { images };
}

/** `upload_image_id` is what reaches the slot in an upload's `image`; absent where an upload cannot go. */
function oneSlot(host: Host, number: number, slot: number): CborMap {
  const direct = number * SLOTS_PER_IMAGE + slot + 1;
  const automatic = slot === host.store.activeSlot(number) ? undefined : number;
  return {
    slot,
    size: host.store.slot(number, slot).sizeBytes,
    upload_image_id: host.profile.directUpload ? direct : automatic,
  };
}

function imageRefusal(rc: number): Refusal {
  return new Refusal({ group: GROUP.IMAGE, rc });
}
