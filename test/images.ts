/** Images that were signed and padded by MCUboot's imgtool. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export function imagePath(name: string): string {
  return join(__dirname, "images", name);
}

export function imageBytes(name: string): Buffer {
  return readFileSync(imagePath(name));
}
