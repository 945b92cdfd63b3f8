import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { openFirmwarePackage } from "../../src/image/package";
import { openFirmware } from "../../src/image/source";
import { assertFails } from "./bad";
import { imageFile } from "./keys";

describe("folders that files may be read from", () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "smp-folders-")));
  const at = (...names: string[]): string => join(root, ...names);
  before(() => {
    for (const folder of ["allowed/inner", "other", "allowed-not"]) mkdirSync(at(folder), { recursive: true });
    for (const file of ["allowed/a.bin", "allowed/inner/a.bin", "other/a.bin", "allowed-not/a.bin"]) {
      writeFileSync(at(file), imageFile("signed/pure.bin"));
    }
    symlinkSync(at("other/a.bin"), at("allowed/link.bin"));
    symlinkSync(at("other"), at("allowed/door"));
    symlinkSync(at("allowed/a.bin"), at("allowed/same.bin"));
    symlinkSync(at("allowed"), at("alias"));
    symlinkSync(at("nowhere"), at("allowed/dead.bin"));
  });
  after(() => rmSync(root, { recursive: true }));

  const open = async (path: string, ...folders: string[][]): Promise<void> => {
    const source = await openFirmware(path, { folders, what: "msg.firmware" });
    await source.close();
  };

  it("let pass what lies below them, also by a link, a relative path or another name of the folder", async () => {
    const paths = ["allowed/a.bin", "allowed/inner/a.bin", "allowed/same.bin", "allowed/inner/../a.bin"];
    for (const path of paths) await open(at(path), [at("allowed")]);
    await open(relative(process.cwd(), at("allowed/a.bin")), [at("allowed")]);
    await open(at("allowed/a.bin"), [relative(process.cwd(), at("allowed"))]);
    await open(at("alias/a.bin"), [at("alias")]);
    await open(at("allowed/a.bin"), [at("alias")]);
    await open(at("other/a.bin"), [at("allowed"), at("other")]);
    await open(at("other/a.bin"));
  });

  const outside: readonly [how: string, path: string][] = [
    ["plainly", "other/a.bin"],
    ["by a name that begins like theirs", "allowed-not/a.bin"],
    ["by dots", "allowed/../other/a.bin"],
    ["by a link to a file", "allowed/link.bin"],
    ["by a link to a folder", "allowed/door/a.bin"],
    ["because it is the folder itself", "allowed"],
    ["by a path that does not exist elsewhere", "other/missing.bin"],
  ];
  for (const [how, path] of outside) {
    it(`refuse what lies outside ${how}`, async () => {
      const says = /cannot read msg\.firmware: .* does not lie below the folders that files may be read from/;
      const error = await assertFails(
        open(at(path), [at("allowed")]),
        "SMP_FIRMWARE_SOURCE",
        says,
        /or allow its folder/,
      );
      assert.equal(error.details.field, "msg.firmware");
      await assertFails(openFirmwarePackage(at(path), { folders: [[at("allowed")]] }), "SMP_FIRMWARE_SOURCE", /below/);
    });
  }

  it("must all agree when there are several lists", async () => {
    const inner = at("allowed/inner");
    await open(at("allowed/inner/a.bin"), [at("allowed")], [inner]);
    await assertFails(open(at("allowed/a.bin"), [at("allowed")], [inner]), "SMP_FIRMWARE_SOURCE", /below/);
    await assertFails(open(at("allowed/a.bin"), []), "SMP_FIRMWARE_SOURCE", /below/, /the settings name none/);
  });

  it("say that a file below them does not exist", async () => {
    for (const path of ["allowed/missing.bin", "allowed/dead.bin"]) {
      await assertFails(open(at(path), [at("allowed")]), "SMP_FIRMWARE_SOURCE", /does not exist/);
    }
  });
});
