/** What the guest tells over its serial console. */
import type { ImageState, ResetResult, UploadResult } from "../../../src/index";

export interface Update {
  readonly outcome: UploadResult["outcome"];
  readonly verdict: ResetResult["verdict"];
  /** Read over the link when all was done. */
  readonly slots: ImageState;
}

export interface Absence {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** Of 100 ms each, that the parent process counted meanwhile. */
  readonly ticks: number;
  readonly slotsAfterwards: ImageState;
}

export interface GuestReport {
  readonly update: Update;
  readonly absence: Absence;
}

const MARK = "REPORT ";

export function printed(report: GuestReport | { readonly error: string }): string {
  return `\n${MARK}${JSON.stringify(report)}`;
}

/** @returns the report in what the console shows, if it is there @throws what the guest failed with */
export function reportIn(console: string): GuestReport | undefined {
  const line = console.split(/\r?\n/).find((one) => one.startsWith(MARK));
  if (line === undefined) return undefined;
  const report = JSON.parse(line.slice(MARK.length)) as GuestReport | { readonly error: string };
  if ("error" in report) throw new Error(`in the guest: ${report.error}`);
  return report;
}
