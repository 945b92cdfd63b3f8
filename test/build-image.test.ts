import assert from "node:assert/strict";
import { buildImage, hashOf } from "./build-image";

describe("the test image builder", () => {
  it("builds the worked example of an image with a security counter, byte for byte", () => {
    const image = buildImage({ version: "2.0.0", payload: Buffer.alloc(16, 0x55), securityCounter: 7 });
    const expected =
      "3DB8F39600000000 20000C0010000000 0000000002000000 0000000000000000" +
      "5555555555555555 5555555555555555 08690C0050000400 0700000007692800" +
      "10002000" +
      "5460962318C0C16724BBBF122CFC266DB9DCB244DB3401D579ADF2316FF3BBF4";
    assert.equal(image.toString("hex"), expected.replaceAll(" ", "").toLowerCase());
    assert.deepEqual(hashOf(image), image.subarray(-32));
  });
});
