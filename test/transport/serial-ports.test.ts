import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serialTransport } from "../../src/transport/serial";
import { loadDriver, type SerialDriver } from "../../src/transport/serial/driver";
import { openFailure } from "../../src/transport/serial/open-failure";
import { listPorts, type PortInfo } from "../../src/transport/serial/port-list";

const FOREVER = new AbortController().signal;
const withCode = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe("ports that do not open", () => {
  for (const [platform, said, what, hint] of [
    ["linux", "Error: No such file or directory, cannot open /dev/ttyACM0", "there is no such port", /container/],
    ["linux", "Error: Permission denied, cannot open /dev/ttyACM0", "this user may not open it", /dialout/],
    [
      "linux",
      "Error Resource temporarily unavailable Cannot lock port",
      "another program has it open",
      /fuser -v \/dev/,
    ],
    ["linux", "Error: Inappropriate ioctl for device, cannot open /dev/null", "it is no serial port", /ttyACM0/],
    ["darwin", "Error: Resource busy, cannot open /dev/ttyACM0", "another program has it open", /lsof/],
    ["win32", "Opening COM3: Access denied", "another program has it open", /COM port/],
    ["win32", "Opening COM3: File not found", "there is no such port", /Device Manager/],
  ] as const) {
    it(`${platform}: ${said}`, () => {
      const error = openFailure("/dev/ttyACM0", new Error(said), platform);
      assert.equal(error.code, "SMP_LINK_OPEN");
      assert.ok(error.message.startsWith(`cannot open /dev/ttyACM0: ${what}`), error.message);
      assert.match(error.hint, hint);
    });
  }

  it("keep the words of a reason that is not known", () => {
    assert.match(
      openFailure("COM3", new Error("Unknown error code 31"), "win32").message,
      /COM3: Unknown error code 31/,
    );
  });

  it("say how to install the package, or to build it", async () => {
    const missing = loadDriver(() => Promise.reject(withCode("ERR_MODULE_NOT_FOUND", "Cannot find package")));
    await assert.rejects(missing, {
      code: "SMP_LINK_OPEN",
      message: /is not installed/,
      hint: /npm install serialport/,
    });
    const unbuilt = loadDriver(() =>
      Promise.reject(new Error("No native build was found for platform=linux arch=riscv64")),
    );
    await assert.rejects(unbuilt, {
      code: "SMP_LINK_OPEN",
      message: /No native build/,
      hint: /npm rebuild serialport/,
    });
  });
});

describe("USB devices by their identity", () => {
  const BOARD = { vendorId: "2fe3", productId: "0004", serialNumber: "A1B2" };
  let ports: PortInfo[];
  let opened: string[];

  /** A driver whose ports open never, and say with which path they were asked. */
  const driver = {
    SerialPort: class {
      readonly #path: string;
      constructor({ path }: { path: string }) {
        this.#path = path;
      }
      on = (): this => this;
      open(done: (error: Error) => void): void {
        opened.push(this.#path);
        done(new Error("it was only a test"));
      }
    },
  } as unknown as SerialDriver;

  const transport = serialTransport({ load: async () => driver, list: async () => ports });
  const tryToOpen = (text: string) => transport.open(transport.parse(text), FOREVER);

  beforeEach(() => {
    ports = [{ path: "/dev/ttyACM0", ...BOARD }, { path: "/dev/ttyS0" }];
    opened = [];
  });

  it("are opened where they are now", async () => {
    await assert.rejects(tryToOpen("usb:2FE3:0004:a1b2"), /cannot open \/dev\/ttyACM0: it was only a test/);
    ports = [{ path: "/dev/ttyACM7", ...BOARD }];
    await assert.rejects(tryToOpen("usb:2fe3:0004"), /ttyACM7/);
    ports = [{ path: "/dev/ttyACM8", ...BOARD, productId: "0100" }];
    await assert.rejects(tryToOpen("usb:2fe3:*:A1B2"), /ttyACM8/);
    assert.deepEqual(opened, ["/dev/ttyACM0", "/dev/ttyACM7", "/dev/ttyACM8"]);
  });

  it("are told from those that are there when they are not", async () => {
    await assert.rejects(tryToOpen("usb:1366:1051"), {
      code: "SMP_LINK_OPEN",
      message: "no port of a device usb:1366:1051 is there: there are /dev/ttyACM0 (2fe3:0004:A1B2)",
    });
    ports = [];
    await assert.rejects(tryToOpen("usb:1366:1051"), /there is no USB serial port/);
  });

  it("are not guessed when there are several", async () => {
    ports = [
      { path: "/dev/ttyACM0", ...BOARD },
      { path: "/dev/ttyACM1", ...BOARD },
    ];
    await assert.rejects(tryToOpen("usb:2fe3:0004"), { message: /2 ports: .*ttyACM0.*ttyACM1/, hint: /\?port=1/ });
    await assert.rejects(tryToOpen("usb:2fe3:0004?port=2"), /cannot open \/dev\/ttyACM1/);
    await assert.rejects(tryToOpen("usb:2fe3:0004?port=3"), /no port 3, but 2, of a device/);
  });
});

(process.platform === "linux" ? describe : describe.skip)("serial ports on Linux", () => {
  let root: string;
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const port = (name: string, device: string): void => {
    mkdirSync(join(root, device), { recursive: true });
    mkdirSync(join(root, "class/tty", name), { recursive: true });
    symlinkSync(join(root, device), join(root, "class/tty", name, "device"));
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "sysfs-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("are read from sysfs, those of USB devices with their identity", async () => {
    write("devices/usb1/1-2/idVendor", "1366\n");
    write("devices/usb1/1-2/idProduct", "1051\n");
    write("devices/usb1/1-2/serial", "000683456789\n");
    write("devices/usb1/1-2/product", "J-Link\n");
    port("ttyACM10", "devices/usb1/1-2/1-2:1.2");
    port("ttyACM2", "devices/usb1/1-2/1-2:1.0");
    port("ttyUSB0", "devices/usb1/1-2/1-2:1.4/ttyUSB0");
    port("ttyS0", "devices/platform/serial8250");
    write("class/tty/ttyS0/type", "0\n");
    port("ttyAMA0", "devices/platform/uart");
    write("class/tty/ttyAMA0/type", "32\n");
    write("class/tty/tty1/active", "1\n");
    const jlink = { vendorId: "1366", productId: "1051", serialNumber: "000683456789", name: "J-Link" };
    assert.deepEqual(await listPorts(() => Promise.reject(new Error("not asked")), root), [
      { path: "/dev/ttyACM2", ...jlink },
      { path: "/dev/ttyACM10", ...jlink },
      { path: "/dev/ttyAMA0" },
      { path: "/dev/ttyUSB0", ...jlink },
    ]);
  });

  it("are none where there is no sysfs", async () => {
    assert.deepEqual(await listPorts(() => Promise.reject(new Error("not asked")), join(root, "nowhere")), []);
  });
});
