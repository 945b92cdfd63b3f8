import type { WantedImage } from "../../src/index";
import { recordOf, type FlowMessage } from "./red";

/** The image that the update is about, from `msg.smp.firmware` as image state and upload leave it there. */
export function wantedImage(msg: FlowMessage): WantedImage | undefined {
  const { hash, image, installedHash } = recordOf(recordOf(msg.smp)["firmware"]);
  if (typeof hash !== "string" || typeof image !== "number") return undefined;
  return { hash, image, ...(typeof installedHash === "string" && { installedHash }) };
}
