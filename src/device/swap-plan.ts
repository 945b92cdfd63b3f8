/**
 * How each swap algorithm of MCUboot exchanges two images: a list of page copies, made so that the page that a copy
 * reads is whole until that copy is done. So a copy that power cut short is done again, from its beginning.
 */
import type { SwapMode } from "./image-options";

export interface PagePlace {
  readonly area: "primary" | "secondary" | "scratch";
  readonly page: number;
}

export interface PageCopy {
  readonly from: PagePlace;
  readonly to: PagePlace;
}

/** @param pages how many pages the larger of the two images takes */
export function planSwap(mode: SwapMode, pages: number, isRevert: boolean): PageCopy[] {
  const up = Array.from({ length: pages }, (_, page) => page);
  const down = up.toReversed();
  switch (mode) {
    case "swap-move":
      return [
        ...down.map((page) => copy("primary", page, "primary", page + 1)),
        ...up.flatMap((page) => [
          copy("secondary", page, "primary", page),
          copy("primary", page + 1, "secondary", page),
        ]),
      ];
    case "swap-scratch":
      return down.flatMap((page) => [
        copy("secondary", page, "scratch", 0),
        copy("primary", page, "secondary", page),
        copy("scratch", 0, "primary", page),
      ]);
    // The upload lies one page higher than the image that is swapped out, so each page has a free place to go.
    case "swap-offset":
      return isRevert
        ? down.flatMap((page) => [
            copy("primary", page, "secondary", page + 1),
            copy("secondary", page, "primary", page),
          ])
        : up.flatMap((page) => [
            copy("primary", page, "secondary", page),
            copy("secondary", page + 1, "primary", page),
          ]);
  }
}

function copy(fromArea: PagePlace["area"], fromPage: number, toArea: PagePlace["area"], toPage: number): PageCopy {
  return { from: { area: fromArea, page: fromPage }, to: { area: toArea, page: toPage } };
}
