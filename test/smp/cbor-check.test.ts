import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cborFault } from "../../src/smp/cbor-check";

const fault = (text: string): string | undefined => cborFault(Buffer.from(text, "hex"));

describe("CBOR check", () => {
  for (const [name, body, expected] of [
    ["nothing", "", /the body is empty/],
    ["a list", "80", /byte 0: the body is not a map/],
    ["text", "6161", /byte 0: the body is not a map/],
    ["a map that ends early", "a2616101", /byte 0: map of 2 entries, 3 bytes left/],
    ["an indefinite map without an end", "bf616101", /byte 4: the body ends in the middle/],
    ["a string that is longer than the body", "a16161440102", /byte 3: string of 4 bytes, 2 bytes left/],
    ["a list with four milliards of items", "a161619affffffff", /byte 3: list of 4294967295 items, 0 bytes left/],
    ["a map with more entries than the universe", "bbffffffffffffffff", /byte 0: map of/],
    ["bytes after the map", "a000", /byte 1: 1 bytes after the end/],
    ["a number as key", "a10102", /byte 1: map key is not text/],
    ["a key given twice", "a2616101616102", /byte 4: the same map key a second time/],
    ["a tag", "a16161c100", /byte 3: tag 1/],
    ["a reserved head", "a161611c", /byte 3: 0x1c is no CBOR/],
    ["an integer of indefinite length", "a161611f", /byte 3: 0x1f is no CBOR/],
    ["a break in place of a value", "a16161ff", /byte 3: unexpected break/],
    ["a simple value that is not assigned", "a16161e0", /byte 3: 0xe0 is a value without meaning/],
    ["a simple value of two bytes", "a16161f8ff", /byte 3: 0xf8 is a value without meaning/],
    ["a string in pieces", "a161615f4101420203ff", /byte 3: a string in pieces/],
    ["a string of no pieces", "a161617fff", /byte 3: a string in pieces/],
  ] as const) {
    it(`names the byte at fault in ${name}`, () => assert.match(fault(body) ?? "no fault", expected));
  }

  it("refuses a nest that would exhaust the stack", () => {
    assert.match(fault("bf6161" + "9f".repeat(10_000)) ?? "no fault", /nested deeper than 16 levels/);
  });

  it("accepts every form that servers use", () => {
    for (const body of ["a0", "bfff", "bf61619fff61624301020361636161ff", "a46161f561623863616319ffff6164f93c00"]) {
      assert.equal(fault(body), undefined, body);
    }
  });

  it("accepts every recorded answer, and refuses each of them cut short at any byte", () => {
    const folder = join(__dirname, "../recordings");
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
      const { exchanges } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
        exchanges: { response?: string }[];
      };
      for (const { response } of exchanges) {
        const body = Buffer.from(response ?? "", "hex").subarray(8);
        if (body.length === 0) continue;
        assert.equal(cborFault(body), undefined);
        for (let end = 0; end < body.length; end++) assert.notEqual(cborFault(body.subarray(0, end)), undefined);
      }
    }
  });
});
