import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualDevice } from "../../src/device/device";
import { SerialLine, type SerialLineOptions } from "../../src/device/serial-line";
import { encodeConsole } from "../../src/framing/console-encoder";
import { image, os } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { buildImage } from "../build-image";
import { requestFrame, turns, until } from "./bench";
import { RECORDED_IMAGE, uploadRest } from "./recovery-image";

interface RecordedLines {
  readonly note: string;
  readonly requestLines?: string[];
  readonly responseLines?: string[];
}
const file = readFileSync(join(__dirname, "../recordings/serial-recovery.json"), "utf8");
const { exchanges } = JSON.parse(file) as { exchanges: RecordedLines[] };

/** A client of the line: text in, the lines that come back. */
class Terminal {
  readonly line: SerialLine;
  #lines: string[] = [];

  constructor(device: VirtualDevice, options: Partial<SerialLineOptions> = {}) {
    this.line = new SerialLine(device, { framing: "console", ...options }, (bytes) => {
      this.#lines.push(Buffer.from(bytes).toString("latin1"));
    });
  }

  type(text: string): void {
    this.line.take(Buffer.from(text, "latin1"));
  }

  /** All lines that came since it was asked last, once as many as were waited for. */
  async lines(count: number): Promise<string[]> {
    await until(() => this.#lines.length >= count);
    await turns();
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }
}

const lineOf = (frame: Uint8Array): string => Buffer.concat(encodeConsole(frame)).toString("latin1");

describe("serial line of a virtual device", () => {
  let device: VirtualDevice;
  const make = (options: Partial<ConstructorParameters<typeof VirtualDevice>[0]> = {}): VirtualDevice =>
    (device = new VirtualDevice({ name: "uart", slot0: buildImage({ version: "1.0.0" }), ...options }));
  afterEach(() => device.close());

  it("speaks with MCUboot's recovery and its application as recorded, line by line", async () => {
    const terminal = new Terminal(
      make({ profile: "mcuboot-recovery", startsInRecovery: false, slot0: RECORDED_IMAGE }),
    );
    for (const { note, requestLines, responseLines } of exchanges) {
      if (!requestLines) await uploadRest(device);
      else {
        terminal.type(requestLines.join(""));
        const answer = await terminal.lines(responseLines!.length);
        // The stand-in for the recorded image has another hash.
        if (!note.includes("image state")) assert.deepEqual(answer, responseLines, note);
        else assert.equal(answer.length, responseLines!.length, note);
      }
      if (note.includes("reset with boot_mode 1")) await until(() => device.state === "recovery");
      if (note === "recovery: reset") await until(() => device.state === "application");
    }
  });

  it("is silent while the device boots, and goes on afterwards", async () => {
    const terminal = new Terminal(make());
    terminal.type(lineOf(requestFrame(os.echo, { d: "before" })));
    await terminal.lines(1);
    device.reboot();
    terminal.type(lineOf(requestFrame(os.echo, { d: "while" })));
    await until(() => device.state === "application");
    terminal.type(lineOf(requestFrame(os.echo, { d: "after" })));
    assert.equal((await terminal.lines(1)).length, 1);
  });

  it("takes CR before LF in the application, and no marker but at the begin of a line", async () => {
    const terminal = new Terminal(make());
    const line = lineOf(requestFrame(os.echo, { d: "hi" }));
    terminal.type(`half a word${line}${"x".repeat(500)}\n${line.replace("\n", "\r\n")}`);
    assert.equal((await terminal.lines(1)).length, 1);
  });

  it("answers nothing to a frame that with length and CRC exceeds its buffer", async () => {
    const terminal = new Terminal(make({ bufSize: 128 }));
    const sized = (bytes: number) => requestFrame(os.echo, { d: "x".repeat(bytes - 13) });
    assert.equal(sized(124).length, 124);
    terminal.type(lineOf(sized(125)));
    terminal.type(lineOf(sized(124)));
    const [first] = await terminal.lines(2);
    assert.ok(first!.startsWith("\x06\x09"));
    terminal.type(lineOf(requestFrame(os.echo, { d: "x" })));
    assert.equal((await terminal.lines(1)).length, 1, "one answer to two requests before");
  });

  it("loses lines that come faster than it takes them out of its two buffers", async () => {
    const terminal = new Terminal(make(), { lineBuffers: 2 });
    const request = requestFrame(os.echo, { d: "x".repeat(300) });
    terminal.type(lineOf(request));
    assert.equal(terminal.line.droppedLines, 2);
    await turns();
    for (const line of encodeConsole(request)) {
      terminal.line.take(line);
      await turns(1);
    }
    assert.equal((await terminal.lines(4)).length, 4);
  });

  it("speaks raw frames, and forgets what cannot be one", async () => {
    const answers: Uint8Array[] = [];
    const line = new SerialLine(make(), { framing: "raw" }, (bytes) => answers.push(bytes));
    const request = requestFrame(image.readState, {});
    line.take(Buffer.from("uart:~$ "));
    line.take(request.subarray(0, 5));
    line.take(request.subarray(5));
    await until(() => answers.length === 1);
    assert.ok(Array.isArray(decodeMessage(answers[0]!).body["images"]));
  });
});
