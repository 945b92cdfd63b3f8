/** What a first chunk is checked for, in the order of `img_mgmt_upload_inspect` (grp/img_mgmt/src/zephyr_img_mgmt.c). */
import { GROUP } from "../smp/command";
import type { Host } from "./host";
import type { FlashSlot } from "./image-store";
import { Refusal } from "./refusal";
import { IMAGE_HEADER_BYTES, type ImageHeader, parseImageHeader } from "./slot-image";

/** The keys of an upload request; what is missing is for the checks to find. */
export interface UploadRequest {
  readonly image?: number;
  readonly off?: number;
  readonly len?: number;
  readonly sha?: Uint8Array;
  readonly data?: Uint8Array;
  readonly upgrade?: boolean;
}

/** Codes of the image group that an upload may give, with their `rsn` texts (img_mgmt_err_str_*). */
export const UPLOAD_RC = {
  NO_FREE_SLOT: { rc: 9, reason: "no slot" },
  NO_OFFSET: { rc: 20, reason: "header malformed" },
  NO_LENGTH: { rc: 21, reason: "header malformed" },
  SHORT_HEADER: { rc: 22, reason: "header malformed" },
  WRONG_MAGIC: { rc: 23, reason: "magic mismatch" },
  LONG_SHA: { rc: 24, reason: undefined },
  WRONG_ADDRESS: { rc: 25, reason: "img addr mismatch" },
  VERSION_UNREADABLE: { rc: 26, reason: undefined },
  NOT_NEWER: { rc: 27, reason: "downgrade" },
  TOO_LARGE: { rc: 30, reason: "img too large" },
  OVERRUN: { rc: 31, reason: "data overrun" },
} as const;

export function uploadRefusal(code: { readonly rc: number; readonly reason: string | undefined }): Refusal {
  return new Refusal({ group: GROUP.IMAGE, ...code });
}

export const SHA_BYTES = 32;

/** A first chunk that says enough to go on with. */
export interface FirstChunk {
  readonly image: number;
  readonly lenBytes: number;
  readonly sha: Uint8Array;
  readonly data: Uint8Array;
  readonly header: ImageHeader;
  readonly upgrade: boolean;
}

/** Whether the chunk is complete and begins like an image: codes 20 to 24. */
export function checkFirstChunk(request: UploadRequest): FirstChunk {
  const { data = new Uint8Array(), sha = new Uint8Array() } = request;
  if (data.length < IMAGE_HEADER_BYTES) throw uploadRefusal(UPLOAD_RC.SHORT_HEADER);
  if (request.len === undefined) throw uploadRefusal(UPLOAD_RC.NO_LENGTH);
  const header = parseImageHeader(data);
  if (!header) throw uploadRefusal(UPLOAD_RC.WRONG_MAGIC);
  if (sha.length > SHA_BYTES) throw uploadRefusal(UPLOAD_RC.LONG_SHA);
  return { image: request.image ?? 0, lenBytes: request.len, sha, data, header, upgrade: request.upgrade ?? false };
}

/** Finds the slot for a new upload and checks that the image belongs there: codes 9, 30, 25, 26, 27. */
export function chooseSlot(host: Host, chunk: FirstChunk): FlashSlot {
  const slot = findSlot(host, chunk.image);
  if (!slot) throw uploadRefusal(UPLOAD_RC.NO_FREE_SLOT);
  const limitBytes = host.profile.maxImageSize ? host.store.maxImageBytes : slot.sizeBytes;
  if (chunk.lenBytes > limitBytes) throw uploadRefusal(UPLOAD_RC.TOO_LARGE);
  checkAddress(host, slot, chunk.header);
  if (chunk.upgrade) checkNewer(host, chunk.header);
  return slot;
}

/** Builds for one image ignore `image`, unless they take it for a slot. */
function findSlot({ store, profile }: Host, image: number): FlashSlot | undefined {
  if (profile.directUpload && image > 0) return directSlot(store, image - 1);
  if (store.imageCount === 1)
    return [0, 1].filter((slot) => !store.inUse(0, slot)).map((slot) => store.slot(0, slot))[0];
  if (image >= store.imageCount) return undefined;
  const other = store.activeSlot(image) === 0 ? 1 : 0;
  return store.inUse(image, other) ? undefined : store.slot(image, other);
}

function directSlot(store: Host["store"], number: number): FlashSlot | undefined {
  const [image, slot] = [Math.floor(number / 2), number % 2];
  return image < store.imageCount && !store.inUse(image, slot) ? store.slot(image, slot) : undefined;
}

/** CONFIG_MCUMGR_GRP_IMG_REJECT_DIRECT_XIP_MISMATCHED_SLOT. */
function checkAddress(host: Host, slot: FlashSlot, { fixedAddress }: ImageHeader): void {
  const address = host.slotAddresses?.[slot.image * 2 + slot.slot];
  const isMisplaced = address !== undefined && fixedAddress !== undefined && fixedAddress !== address;
  if (isMisplaced) throw uploadRefusal(UPLOAD_RC.WRONG_ADDRESS);
}

/** Compared are major, minor and revision, always with the running image of image 0. */
function checkNewer(host: Host, { version }: ImageHeader): void {
  const active = host.store.activeSlot(0);
  const running = host.store.list().find((entry) => entry.image === 0 && entry.slot === active);
  if (!running) throw uploadRefusal(UPLOAD_RC.VERSION_UNREADABLE);
  const current = running.version.split(".").map(Number).slice(0, 3);
  const offered = [version.major, version.minor, version.revision];
  const at = offered.findIndex((part, index) => part !== current[index]);
  if (at === -1 || offered[at]! < current[at]!) throw uploadRefusal(UPLOAD_RC.NOT_NEWER);
}
