/** Rows of what a check finds for which firmware and device. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { SmpErrorCode } from "../../src/errors";
import type { SignatureCheck } from "../../src/image/signature";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { checkFirmware, refusalIn, type CheckName, type CheckSubject, type Finding } from "../../src/update/checks";
import { buildImage, type BuildImageOptions } from "../build-image";
import { inspect } from "../image/samples";
import { state } from "./states";

/** Of an image that needs another one. */
export const NEEDS: Partial<BuildImageOptions> = { dependencies: [{ image: 1, minVersion: "1.2.0" }] };

const DEVICE: CheckSubject["device"] = {
  images: state("0 1.0.0 active confirmed"),
  slots: [{ image: 0, slots: [{ slot: 0, size: 66_000 }], max_image_size: 65_000 }],
  bootMode: BOOT_MODE.SWAP_MOVE,
  noDowngrade: false,
};

export interface Changes {
  readonly build?: Partial<BuildImageOptions>;
  readonly file?: Uint8Array;
  readonly image?: number;
  readonly device?: Partial<CheckSubject["device"]>;
  readonly policy?: CheckSubject["policy"];
  readonly signature?: SignatureCheck;
  readonly inRecovery?: boolean;
}

export interface Row {
  readonly it: string;
  readonly check: CheckName;
  readonly level: Finding["level"];
  readonly says: RegExp;
  /** What differs from an image 2.0.0 for a device that runs 1.0.0. */
  readonly with: Changes;
  /** Of what is refused. */
  readonly code?: SmpErrorCode;
  readonly verdict?: string;
}

export async function findings(changes: Changes): Promise<readonly Finding[]> {
  const { build, file, image = 0, device, policy = {}, signature, inRecovery } = changes;
  const info = await inspect(file ?? buildImage({ version: "2.0.0", ...build }));
  return checkFirmware({ info, image, device: { ...DEVICE, ...device }, policy, signature, inRecovery });
}

export async function assertRow(row: Row): Promise<void> {
  const all = await findings(row.with);
  const found = all.find(
    ({ check, level, because }) => check === row.check && level === row.level && row.says.test(because),
  );
  assert.ok(found, JSON.stringify(all));
  assert.deepEqual([found.error?.code, found.error?.verdict], [row.code, row.verdict]);
  const error = refusalIn(all);
  if (row.level !== "refuse") return assert.equal(error, undefined);
  assert.deepEqual([error?.code, error?.message, error?.details.verdict], [row.code, found.because, row.verdict]);
}

export function sha(file: Uint8Array): string {
  return createHash("sha256").update(file).digest("hex");
}
