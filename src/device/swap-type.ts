/** What the trailers of an image's two slots ask of the bootloader (`boot_swap_type_multi`). */
import type { BootMode } from "./image-options";
import type { SwapType } from "./image-store";
import type { Trailer } from "./trailer";

type Fields = Partial<Pick<Trailer, "magic" | "imageOk" | "copyDone">>;

interface Row {
  readonly primary: Fields;
  readonly secondary: Fields;
  readonly type: SwapType;
}

/** In swap-offset a revert that was cut short is known by the secondary trailer. */
const OFFSET_ROW: Row = {
  primary: {},
  secondary: { magic: "good", imageOk: "unset", copyDone: "set" },
  type: "revert",
};

/** The first row that matches counts; a field that is not named may be anything. */
const ROWS: readonly Row[] = [
  { primary: {}, secondary: { magic: "good", imageOk: "unset" }, type: "test" },
  { primary: {}, secondary: { magic: "good", imageOk: "set" }, type: "permanent" },
  { primary: { magic: "good", imageOk: "unset", copyDone: "set" }, secondary: {}, type: "revert" },
];

export function swapTypeOf(mode: BootMode, primary: Trailer, secondary: Trailer): SwapType {
  const rows = mode === "swap-offset" ? [OFFSET_ROW, ...ROWS] : ROWS;
  return rows.find((row) => matches(row.primary, primary) && matches(row.secondary, secondary))?.type ?? "none";
}

function matches(wanted: Fields, trailer: Trailer): boolean {
  return (Object.keys(wanted) as (keyof Fields)[]).every((field) => wanted[field] === trailer[field]);
}
