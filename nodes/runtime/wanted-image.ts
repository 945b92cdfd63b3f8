import type { WantedImage } from "../../src/index";
import { recordOf, type FlowMessage } from "./red";

/** The image that the update is about, from `msg.smp.firmware` as image state and upload leave it there. */
export function wantedImage(msg: FlowMessage): WantedImage | undefined {
  return imageOf(recordOf(msg.smp)["firmware"]);
}

/** What a compressed image shows once it is installed, if the message describes the image with this hash, maybe as unfinished. */
export function installedHashOf(msg: FlowMessage, hash: string | undefined): string | undefined {
  const { firmware, unfinished } = recordOf(msg.smp);
  const known = [firmware, recordOf(unfinished)["firmware"]].flatMap((described) => imageOf(described) ?? []);
  return known.find((image) => image.hash === hash && image.installedHash !== undefined)?.installedHash;
}

function imageOf(described: unknown): WantedImage | undefined {
  const { hash, image, installedHash } = recordOf(described);
  if (typeof hash !== "string" || typeof image !== "number") return undefined;
  return { hash, image, ...(typeof installedHash === "string" && { installedHash }) };
}
