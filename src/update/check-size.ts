/** Whether a firmware fits into its slot. */
import type { CheckSubject, Finding } from "./checks";

export function checkSize({ info, image, device }: CheckSubject): Finding[] {
  const check = "slot-size";
  if (!device.slots) {
    const because = `whether its ${info.sizeBytes} bytes fit is unknown: the device does not tell the size of its slots (no slot info)`;
    return [{ check, level: "unknown", because }];
  }
  const entry = device.slots.find((each) => each.image === image);
  if (!entry)
    return [
      noSuchImage(
        image,
        device.slots.map((each) => each.image),
      ),
    ];
  const sizes = entry.slots.flatMap(({ size }) => (size === undefined ? [] : [size]));
  const limit = entry.max_image_size ?? (sizes.length > 0 ? Math.max(...sizes) : undefined);
  if (limit === undefined) return [{ check, level: "unknown", because: "the device tells of its slots, but no size" }];
  const isExact = entry.max_image_size !== undefined;
  if (info.sizeBytes > limit) return [tooLarge({ info }, limit, isExact)];
  const room = isExact ? "" : "; how much of it the bootloader needs for itself is unknown";
  return [{ check, level: "ok", because: `its ${info.sizeBytes} bytes fit into ${limit}${room}` }];
}

function tooLarge({ info }: Pick<CheckSubject, "info">, limit: number, isExact: boolean): Finding {
  const place = isExact ? "the largest image that can be swapped has" : "the slots have";
  const hint = info.trailer && `Use the file without padding, zephyr.signed.bin. ${info.trailer.explanation}`;
  return {
    check: "slot-size",
    level: "refuse",
    because: `${info.label} has ${info.sizeBytes} bytes, ${place} ${limit} bytes (${info.sizeBytes - limit} too many)`,
    error: { code: "SMP_IMAGE_TOO_LARGE", limit, ...(hint !== undefined && { hint }) },
  };
}

/** The device counts its images, and this is none of them. */
export function noSuchImage(image: number, numbers: readonly number[]): Finding {
  return {
    check: "slot-size",
    level: "refuse",
    because: `the device has no image ${image}, it has ${numbers.length === 1 ? "image" : "images"} ${numbers.join(", ")}`,
    error: { code: "SMP_BAD_INPUT", field: "image" },
  };
}
