/** Firmware bytes and secrets stay where they belong. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { generateKeyPairSync } from "node:crypto";
import { toSmpError } from "../../src/errors";
import { parseKeyBytes, parsePublicKeys } from "../../src/image/public-key";
import { decodeMessage } from "../../src/smp/message";
import { traceFile } from "../../src/trace/file";
import { readTrace, timed } from "../../src/trace/read";
import { pcapng } from "../../src/trace/pcapng";
import { lineOf } from "../../src/trace/text";
import { buildImage } from "../build-image";
import { Kept, makeDevice, poolOf, wholeUpdate } from "./bench";

/** Four bytes that stand at every place of the image; two of them in a row are no accident. */
const MARK = Buffer.from("a55af00d", "hex");
const FIRMWARE = buildImage({ version: "2.0.0", payload: Buffer.alloc(40_000, MARK) });

/** Eight bytes of the firmware, however they are written and wherever they begin. */
function leaks(text: string): string[] {
  const forms = [0, 1, 2, 3].flatMap((shift) => {
    const piece = Buffer.alloc(8, Buffer.concat([MARK.subarray(shift), MARK.subarray(0, shift)]));
    return [
      piece.toString("hex"),
      piece.toString("base64").slice(0, 8),
      piece.toString("latin1"),
      [...piece].join(","),
    ];
  });
  return forms.filter((form) => text.toLowerCase().includes(form.toLowerCase()));
}

describe("firmware bytes", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "smp-secrets-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("would be found by this test", () => {
    for (const form of ["hex", "base64", "latin1"] as const) assert.notDeepEqual(leaks(FIRMWARE.toString(form)), []);
    assert.notDeepEqual(leaks(JSON.stringify(FIRMWARE)), []);
    assert.notDeepEqual(leaks(JSON.stringify([...FIRMWARE])), []);
  });

  /** What goes wrong on the way, and what is said of it. */
  const faults = {
    "an update that goes well": () => undefined,
    "answers that are cut": (answer: Buffer) => [answer.subarray(0, 12)],
    "answers that are garbage": (answer: Buffer) => [Buffer.concat([answer, answer])],
    "a line that echoes what is sent": (answer: Buffer, packet: Uint8Array) => [packet, answer],
    "a line that echoes the half": (answer: Buffer, packet: Uint8Array) => [
      packet.subarray(0, packet.length / 2),
      answer,
    ],
  } satisfies Record<string, (answer: Buffer, packet: Uint8Array) => readonly Uint8Array[] | undefined>;

  for (const [what, fault] of Object.entries(faults)) {
    it(`are in no trace, log, message or error of ${what}`, async () => {
      const log: string[] = [];
      const device = makeDevice({ log: (line) => void log.push(line) });
      device.faults.add((exchange) => {
        if (exchange.command?.name !== "image.upload" || exchange.body["off"] === 0) return;
        exchange.changeAnswer((answer) => fault(Buffer.from(answer), exchange.packet) ?? [answer]);
      });
      const path = join(folder, `${what.replaceAll(" ", "-")}.jsonl`);
      const file = traceFile({ path, maxBytes: 1e7, frames: "described", onFault: (message) => log.push(message) });
      const kept = new Kept();
      const pool = poolOf(device);
      pool.trace(file);
      pool.trace(kept);
      const errors: unknown[] = [];
      await wholeUpdate(pool, FIRMWARE).catch((error: unknown) => errors.push(error));
      await pool.close();
      await file.close();
      device.close();

      const written = readFileSync(path, "utf8");
      const lines = [...timed(readTrace(written))];
      assert.ok(lines.some(({ line }) => line.kind === "frame" && line.command === "image.upload"));
      const told = [
        written,
        ...lines.map(({ line }) => lineOf(line, 0)),
        Buffer.concat([...pcapng(lines)]).toString("latin1"),
        JSON.stringify(kept.records),
        ...errors.flatMap((error) => [inspect(error, { depth: 10 }), JSON.stringify(toSmpError(error).report())]),
        ...log,
        inspect(pool.status(), { depth: 10 }),
      ].join("\n");
      assert.deepEqual(leaks(told), []);
      if (what.startsWith("answers")) assert.equal(errors.length, 1, "it is told why it did not work");
    }).timeout(60_000);
  }

  it("are in the trace when whole frames are asked for", async () => {
    const device = makeDevice();
    const kept = new Kept("whole");
    const pool = poolOf(device);
    pool.trace(kept);
    await wholeUpdate(pool, FIRMWARE);
    await pool.close();
    device.close();
    const sent = kept.of("image.upload", "out").map(({ hex }) => decodeMessage(Buffer.from(hex, "hex")).body["data"]);
    assert.deepEqual(Buffer.concat(sent as Uint8Array[]), FIRMWARE);
  });
});

describe("a private key that was given by mistake", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const der = privateKey.export({ format: "der", type: "pkcs8" });
  const secret = der.subarray(-32);

  for (const [form, read] of Object.entries({
    PEM: () => parsePublicKeys(pem, "key.pem"),
    "PEM under a wrong name": () => parsePublicKeys(pem.replaceAll("PRIVATE", "PUBLIC"), "key.pem"),
    "PEM that was cut": () => parsePublicKeys(pem.slice(0, 90), "key.pem"),
    bytes: () => parseKeyBytes(der, "key.der"),
  })) {
    it(`is in no part of the error: ${form}`, () => {
      let thrown: unknown;
      try {
        read();
      } catch (error) {
        thrown = error;
      }
      assert.equal(toSmpError(thrown).code, "SMP_BAD_SETTING");
      if (form === "bytes") assert.match(toSmpError(thrown).message, /^key\.der holds a private key/);
      const told = inspect(thrown, { depth: 10, showHidden: true });
      const bare = secret.toString("base64").slice(4, 20);
      for (const piece of [pem.split("\n")[1]!.slice(24, 40), bare, secret.toString("hex").slice(0, 16)]) {
        assert.ok(!told.includes(piece));
      }
    });
  }
});
