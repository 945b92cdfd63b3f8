import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine } from "../../src/device/cli-options";
import { SAMPLES, samplePath } from "../../src/device/samples";
import { VirtualDevice } from "../../src/device/device";
import { image, os } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { call, overUdp, upload } from "./bench";

const CLI = join(__dirname, "../../src/device/cli.ts");

function run(...args: string[]): { child: ChildProcess; out: string[]; err: string[]; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ["--require", require.resolve("tsx/cjs"), CLI, ...args]);
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => err.push(text));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, out, err, ended };
}

describe("smp-virtual-device", () => {
  const wrong: readonly (readonly [args: string[], message: string])[] = [
    [["--udp", "x"], '--udp is "x", expected a number from 0 to 65535'],
    [["--udp", "65536"], '--udp is "65536", expected a number from 0 to 65535'],
    [["--udp", "-1"], "Option '--udp' argument is ambiguous"],
    [["--slot-size", "12.5"], '--slot-size is "12.5", expected a number from 4096 to 268435456'],
    [["--buf-size", "8"], '--buf-size is "8", expected a number from 64 to 65535'],
    [["--buf-count", "0"], '--buf-count is "0", expected a number from 1 to 255'],
    [["--images", "3"], '--images is "3", expected a number from 1 to 2'],
    [["--images", "1", "--image1-slot1", "x"], "--images is 1, but --image1-slot1 gives a file for a second image"],
    [["--pace", "slow"], '--pace is "slow", expected one of instant, brisk, real'],
    [["--trial", "odd"], '--trial is "odd", expected one of healthy, self-confirming, crashing'],
    [["--framing", "raw"], "--framing is for a serial line: give --tcp as well"],
    [["--line-buffers", "2"], "--line-buffers is for a serial line: give --tcp as well"],
    [["--tcp", "0", "--framing", "slip"], '--framing is "slip", expected one of console, raw'],
    [["--slot0="], "--slot0 needs a value"],
    [["--slot0"], "Option '--slot0 <value>' argument missing"],
    [["--speed", "9"], "Unknown option '--speed'"],
    [["file.bin"], "Unexpected argument 'file.bin'"],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseCommandLine(args), { code: "SMP_BAD_SETTING", message });
    });
  }

  it("takes numbers in hexadecimal, and has defaults for everything", () => {
    assert.deepEqual(parseCommandLine(["--slot-size", "0x80000", "--udp", "0"]), {
      host: "127.0.0.1",
      udpPort: 0,
      serial: undefined,
      files: { slot0: undefined, slot1: undefined, image1Slot0: undefined, image1Slot1: undefined },
      mode: "swap-move",
      profile: "zephyr-4.4",
      trial: "healthy",
      pace: "brisk",
      imageCount: undefined,
      slotBytes: 0x80000,
      bufSize: undefined,
      bufCount: undefined,
    });
  });

  it("serves UDP, a serial line, or both", () => {
    const ports = (...args: string[]) => {
      const options = parseCommandLine(args);
      return typeof options === "string" ? options : [options.udpPort, options.serial?.port, options.serial?.framing];
    };
    assert.deepEqual(ports(), [1337, undefined, undefined]);
    assert.deepEqual(ports("--tcp", "3001"), [undefined, 3001, "console"]);
    assert.deepEqual(ports("--tcp", "3001", "--udp", "1338", "--framing", "raw"), [1338, 3001, "raw"]);
  });

  it("carries samples that run", () => {
    for (const version of SAMPLES) {
      const device = new VirtualDevice({ name: "sample", slot0: readFileSync(samplePath(version)) });
      assert.equal(device.version, version);
      device.close();
    }
  });

  describe("as a process", () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), "smp-virtual-device-"))));
    after(() => rmSync(folder, { recursive: true }));

    const write = (name: string, content: Uint8Array | string): string => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };

    it("explains itself", async () => {
      const help = run("--help");
      assert.equal(await help.ended, 0);
      assert.match(help.out.join(""), /--udp PORT[^]*--profile NAME[^]*zephyr-3\.2/);
      const version = run("--version");
      assert.equal(await version.ended, 0);
      assert.match(version.out.join(""), /^\d+\.\d+\.\d+\n$/);
    });

    it("ends with one line and exit code 2 for files and sizes that cannot be", async () => {
      const text = write("notes.txt", "no image");
      for (const [args, message] of [
        [["--slot1", join(folder, "absent.bin")], /^smp-virtual-device: --slot1 .*absent\.bin cannot be read: ENOENT/],
        [["--slot0", text, "--profile", "zephyr-3.5"], /^smp-virtual-device: --slot0 .*notes\.txt: MCUboot finds no/],
        [["--slot-size", "5000"], /^smp-virtual-device: --slot-size: .*slots of 5000 bytes/],
        [["--slot-size", "0x8000"], /^smp-virtual-device: --slot-size: .*the slot only 32768/],
      ] as const) {
        const { err, out, ended } = run("--udp", "0", ...args);
        assert.equal(await ended, 2);
        const lines = err.join("").trimEnd().split("\n");
        assert.equal(lines.length, 1);
        assert.match(lines[0]!, message);
        assert.deepEqual(out, []);
      }
    });

    it("ends with exit code 1 when the port is taken", async () => {
      const socket = createSocket("udp4");
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      const { port } = socket.address();
      const { err, ended } = run("--udp", String(port));
      assert.equal(await ended, 1);
      assert.match(err.join(""), new RegExp(`port ${port}: .*EADDRINUSE`));
      socket.close();
    });

    it("is updated over UDP, tells what happens, and ends on a signal", async () => {
      const old = write("old.bin", buildImage({ version: "1.0.0" }));
      const file = buildImage({ version: "2.0.0", payloadBytes: 5000 });
      const { child, out, ended } = run("--udp", "0", "--slot0", old, "--pace", "instant", "--profile", "zephyr-3.5");
      const said = async (what: RegExp): Promise<RegExpExecArray> => {
        for (;;) {
          const match = what.exec(out.join(""));
          if (match) return match;
          await once(child.stdout!, "data");
        }
      };
      const listening = await said(/^listening on UDP 127\.0\.0\.1:(\d+), running 1\.0\.0 \(zephyr-3\.5, swap-move/);
      const wire = await overUdp(Number(listening[1]));
      assert.deepEqual(await upload(wire, image.upload, file), { off: file.length });
      await call(wire, image.writeState, { hash: hashOf(file), confirm: true });
      await call(wire, os.reset);
      await said(/upload of 5\d{3} bytes complete\nboot: swapped\nrunning 2\.0\.0\n/);
      child.kill("SIGTERM");
      assert.equal(await ended, 0);
      wire.close();
    });
  });
});
