import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Of this package: what the nearest package.json says, whether this runs from src/ or from dist/. */
export function packageVersion(folder = __dirname): string {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return packageVersion(dirname(folder));
  }
}
