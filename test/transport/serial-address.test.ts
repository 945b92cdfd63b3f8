import assert from "node:assert/strict";
import { parseSerialAddress, SERIAL_DEFAULTS } from "../../src/transport/serial/address";

const parse = (text: string) => parseSerialAddress(text, SERIAL_DEFAULTS);

describe("serial address", () => {
  it("names a port, with what differs from the pool's settings behind it", () => {
    assert.deepEqual(parse("/dev/ttyACM0"), {
      key: "/dev/ttyACM0",
      place: { kind: "path", path: "/dev/ttyACM0" },
      settings: { baudRate: 115_200, flowControl: "none", framing: "console", lineDelayMs: 2 },
    });
    assert.deepEqual(parse("/dev/ttyUSB1?baud=1000000&flow=rtscts&framing=raw&linedelay=0").settings, {
      baudRate: 1_000_000,
      flowControl: "rtscts",
      framing: "raw",
      lineDelayMs: 0,
    });
  });

  it("is one device however its name is written", () => {
    const same: readonly (readonly [string, string])[] = [
      [" /dev/ttyS1 ", "/dev/ttyS1?baud=9600"],
      ["com3", "COM3"],
      ["usb:2FE3:0004:AbC", "USB:2fe3:0004:aBc"],
      ["usb:2fe3:*", "usb:2fe3:*?baud=9600"],
      ["tcp://Gateway:3001", "tcp://gateway:3001/"],
      ["tcp://[::1]:3001", "tcp://[::1]:3001?framing=raw"],
    ];
    for (const [one, other] of same) assert.equal(parse(one).key, parse(other).key);
    const different = ["usb:2fe3:0004:abc", "usb:2fe3:0004:abd", "usb:2fe3:0004:abc?port=2", "usb:2fe3:*:abc"];
    assert.equal(new Set(different.map((text) => parse(text).key)).size, 4);
  });

  it("is found again by its key", () => {
    for (const text of ["COM12", "usb:1366:1051:000683?port=2", "tcp://[fe80::1]:23", "/dev/serial/by-id/usb-X-if00"]) {
      assert.deepEqual(parse(parse(text).key).place, parse(text).place);
    }
  });

  for (const [text, said] of [
    ["ttyACM0", /such as \/dev\/ttyACM0.*not "ttyACM0"/],
    ["usb:2fe3", /usb:VID:PID/],
    ["usb:2fe3:zz", /four hex digits/],
    ["usb:2fe3:0004?port=0", /port must be a whole number from 1 to 32/],
    ["tcp://joe:secret@host:23", /^tcp:\/\/…@host:23: expected tcp:\/\/host:port/],
    ["tcp://joe@host:23", /^tcp:\/\/…@host:23: expected/],
    ["tcp://host", /tcp:\/\/host:port/],
    ["tcp://host:70000", /port from 1 to 65535/],
    ["tcp://host:23?flow=rtscts", /flow is for the terminal server/],
    ["/dev/ttyACM0?port=2", /port is for usb/],
    ["/dev/ttyACM0?baud=fast", /baud must be a whole number/],
    ["/dev/ttyACM0?baud=115200&baud=9600", /baud is given twice/],
    ["/dev/ttyACM0?parity=even", /no option "parity"/],
    ["/dev/ttyACM0?flow=dtr", /flow must be one of none, rtscts, xonxoff/],
    ["/dev/ttyACM0?framing=raw&flow=xonxoff", /raw frames may hold/],
  ] as const) {
    it(`refuses ${text}, and says why`, () => {
      assert.throws(() => parse(text), { code: "SMP_BAD_INPUT", message: said, details: { field: "device" } });
    });
  }
});
