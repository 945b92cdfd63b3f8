// The shipped example 02, with another firmware in its button.
import { readFileSync } from "node:fs";

const file = new URL("../../examples/02 - Whole update with progress and errors.json", import.meta.url);

/**
 * @param {string} firmware what `msg.firmware` shall be: an absolute path
 * @returns {{ flow: any[], buttonId: string }}
 */
export function wholeUpdate(firmware) {
  const flow = JSON.parse(readFileSync(file, "utf8"));
  for (const node of flow) {
    const wanted = node.type === "inject" && node.props.find(({ p }) => p === "firmware");
    if (!wanted) continue;
    wanted.v = firmware;
    wanted.vt = "str";
    return { flow, buttonId: node.id };
  }
  throw new Error(`no button with msg.firmware in ${file.pathname}`);
}
