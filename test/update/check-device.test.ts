import { BOOT_MODE } from "../../src/smp/groups/os";
import { assertRow, type Row } from "./check-rows";
import { imageBytes } from "../images";

const ROM_FIXED = 0x100;
const RAM_LOAD = 0x20;

describe("the check of slots and bootloader", () => {
  const rows: readonly Row[] = [
    {
      it: "says that it fits, and into what",
      check: "slot-size",
      level: "ok",
      says: /its 328 bytes fit into 65000$/,
      with: {},
    },
    {
      it: "says that the bootloader's share of a slot is unknown",
      check: "slot-size",
      level: "ok",
      says: /fit into 4096; how much of it the bootloader needs for itself is unknown/,
      with: {
        device: {
          slots: [
            {
              image: 0,
              slots: [
                { slot: 0, size: 4096 },
                { slot: 1, rc: 1 },
              ],
            },
          ],
        },
      },
    },
    {
      it: "says by how much it is too large",
      check: "slot-size",
      level: "refuse",
      says: /65072 bytes, the largest image that can be swapped has 65000 bytes \(72 too many\)/,
      with: { build: { payloadBytes: 65_000 } },
      code: "SMP_IMAGE_TOO_LARGE",
    },
    {
      it: "explains that the size of the slots is unknown",
      check: "slot-size",
      level: "unknown",
      says: /328 bytes fit is unknown: the device does not tell the size of its slots/,
      with: { device: { slots: undefined } },
    },
    {
      it: "explains that slot info may lack the sizes",
      check: "slot-size",
      level: "unknown",
      says: /no size/,
      with: { device: { slots: [{ image: 0, slots: [{ slot: 0, rc: 1 }] }] } },
    },
    {
      it: "refuses an image that the device does not have",
      check: "slot-size",
      level: "refuse",
      says: /no image 3, it has image 0/,
      with: { image: 3 },
      code: "SMP_BAD_INPUT",
    },
    {
      it: "says how the bootloader installs it",
      check: "boot-mode",
      level: "ok",
      says: /swaps the slots by moving, and can revert/,
      with: {},
    },
    {
      it: "explains that the mode of the bootloader is unknown",
      check: "boot-mode",
      level: "unknown",
      says: /the device does not tell its mode/,
      with: { device: { bootMode: undefined } },
    },
    {
      it: "does not know a mode of the future",
      check: "boot-mode",
      level: "unknown",
      says: /does not tell its mode/,
      with: { device: { bootMode: 99 } },
    },
    {
      it: "warns where there is no way back",
      check: "boot-mode",
      level: "warn",
      says: /overwrites the running image: there is no trial, and no way back/,
      with: { device: { bootMode: BOOT_MODE.OVERWRITE_ONLY } },
    },
    {
      it: "warns where the upload overwrites what is there",
      check: "boot-mode",
      level: "warn",
      says: /single slot: an upload overwrites/,
      with: { device: { bootMode: BOOT_MODE.SINGLE_SLOT } },
    },
    {
      it: "refuses for RAM loading what was not built for it",
      check: "boot-mode",
      level: "refuse",
      says: /not built to be loaded into RAM/,
      with: { device: { bootMode: BOOT_MODE.RAM_LOAD } },
      code: "SMP_BAD_IMAGE",
    },
    {
      it: "takes for RAM loading what was built for it",
      check: "boot-mode",
      level: "warn",
      says: /loads an image into RAM: there is no trial/,
      with: { build: { flags: RAM_LOAD, loadAddress: 0x20000000 }, device: { bootMode: BOOT_MODE.RAM_LOAD } },
    },
    {
      it: "warns that an image for direct XIP does not say for which slot it is",
      check: "boot-mode",
      level: "warn",
      says: /does not say for which it is/,
      with: { device: { bootMode: BOOT_MODE.DIRECT_XIP_REVERT } },
    },
    {
      it: "is content with an image that has its address, for direct XIP with revert",
      check: "boot-mode",
      level: "ok",
      says: /in the slot where it lies, and can revert/,
      with: {
        build: { flags: ROM_FIXED, loadAddress: 0x10000 },
        device: { bootMode: BOOT_MODE.DIRECT_XIP_REVERT },
      },
    },
    {
      it: "warns of an encrypted image where nothing decrypts it",
      check: "boot-mode",
      level: "warn",
      says: /decrypts nothing that runs where it lies/,
      with: { file: imageBytes("ed25519-encrypted-1.7.0.bin"), device: { bootMode: BOOT_MODE.DIRECT_XIP } },
    },
    {
      it: "warns of an image with a fixed address where it is moved",
      check: "boot-mode",
      level: "warn",
      says: /built for the address 0x10000 alone/,
      with: { build: { flags: ROM_FIXED, loadAddress: 0x10000 } },
    },
  ];
  for (const row of rows) it(row.it, () => assertRow(row));
});
