import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { image, os } from "../../src/smp/commands";
import { OP } from "../../src/smp/header";
import { decodeMessage, encodeMessage, type Message } from "../../src/smp/message";
import { buildImage } from "../build-image";
import { ask, call, inProcess, requestFrame, type Wire } from "./bench";
import { expectSilence } from "./replay";

const ECHO: Omit<Message, "body"> = { op: OP.WRITE, version: 1, group: 0, id: 0, seq: 7 };
const echo = (d: string, header: Partial<typeof ECHO> = {}): Uint8Array =>
  encodeMessage({ ...ECHO, ...header, body: { d } });

describe("SMP server of the virtual device", () => {
  let device: VirtualDevice | undefined;
  let wire: Wire;

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device?.close();
    device = new VirtualDevice({ name: "device", slot0: buildImage({ version: "1.0.0" }), ...options });
    wire = inProcess(device);
  }

  beforeEach(() => start());
  afterEach(() => device?.close());

  it("drops what is shorter than a header", async () => {
    for (const bytes of [0, 1, 7]) await expectSilence(wire, new Uint8Array(bytes));
  });

  it("repeats group, command and sequence number, and answers with the request's op + 1 and flags 0", async () => {
    const frame = Buffer.from(echo("x", { seq: 255, op: OP.READ }));
    frame[1] = 0xa5;
    wire.send(frame);
    const answer = await wire.receive();
    assert.equal(answer[1], 0);
    assert.deepEqual(decodeMessage(answer), { ...ECHO, op: OP.READ_RESPONSE, seq: 255, body: { r: "x" } });
  });

  it("writes maps of indefinite length, or of definite length when told so", async () => {
    wire.send(echo("x"));
    assert.equal(Buffer.from(await wire.receive()).toString("hex"), "0b00000600000700bf61726178ff");
    start({ indefinite: false });
    wire.send(echo("x"));
    assert.equal(Buffer.from(await wire.receive()).toString("hex"), "0b00000500000700a161726178");
  });

  it("answers rc 13 to reserved versions, as version 1", async () => {
    for (const version of [2, 3]) {
      assert.deepEqual(await ask(wire, echo("x", { version })), {
        ...ECHO,
        op: OP.WRITE_RESPONSE,
        body: { rc: 13 },
      });
    }
  });

  it("answers rc 12 to SMP v1 when the original protocol is not built in", async () => {
    start({ smp: "v2" });
    const answer = await ask(wire, echo("x", { version: 0 }));
    assert.deepEqual([answer.version, answer.body], [0, { rc: 12 }]);
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { r: "x" });
  });

  it("answers rc 9 when the header promises more than arrived, and looks at nothing behind it", async () => {
    const frame = Buffer.from(echo("hello"));
    frame.writeUInt16BE(frame.length, 2);
    wire.send(frame);
    assert.deepEqual(decodeMessage(await wire.receive()).body, { rc: 9 });
    assert.deepEqual(await call(wire, os.echo, { d: "next" }), { r: "next" });
    assert.equal(wire.unread, 0);
  });

  it("answers rc 8 with op 3 to what is no request", async () => {
    for (const op of [1, 3, 4, 7]) {
      const answer = await ask(wire, echo("x", { op }));
      assert.deepEqual([answer.op, answer.body], [OP.WRITE_RESPONSE, { rc: 8 }], `op ${op}`);
    }
  });

  it("answers rc 8 to unknown groups and commands, and to known commands with the other op", async () => {
    for (const header of [{ group: 4 }, { group: 64 }, { id: 3 }, { group: 1, id: 2 }, { group: 1, id: 99 }]) {
      assert.deepEqual((await ask(wire, echo("x", header))).body, { rc: 8 });
    }
    assert.deepEqual(await call(wire, { ...image.upload, op: "read" }), { rc: 8 });
    assert.deepEqual(await call(wire, { ...os.parameters, op: "write" }), { rc: 8 });
  });

  it("answers rc 3 to bodies that do not decode, are empty, lack a key's type or repeat a key", async () => {
    const bodies = ["", "ff0001", "80", "a1616401", "a26164617861646179", "a161646378"];
    for (const hex of bodies) {
      const body = Buffer.from(hex, "hex");
      const frame = Buffer.concat([Buffer.from([0x0a, 0, 0, body.length, 0, 0, 1, 0]), body]);
      assert.deepEqual((await ask(wire, frame)).body, { rc: 3 }, hex);
    }
  });

  it("skips unknown keys, and does not look at bodies that it has no use for", async () => {
    assert.deepEqual(await call(wire, os.echo, { d: "x", extra: [1, { deep: true }] }), { r: "x" });
    const list = await ask(wire, Buffer.from("0800000000010100", "hex"));
    assert.ok(Array.isArray(list.body["images"]));
  });

  it("serves several frames of one packet, each with an answer of its own", async () => {
    wire.send(Buffer.concat([echo("one", { seq: 1 }), echo("two", { seq: 2 }), Buffer.of(0x0a, 0)]));
    const answers = [decodeMessage(await wire.receive()), decodeMessage(await wire.receive())];
    assert.deepEqual(
      answers.map(({ seq, body }) => [seq, body]),
      [
        [1, { r: "one" }],
        [2, { r: "two" }],
      ],
    );
    assert.deepEqual(await call(wire, os.echo, { d: "next" }), { r: "next" });
  });

  it("stops at the first frame of a packet that fails", async () => {
    wire.send(Buffer.concat([echo("one"), echo("two", { group: 77 }), echo("three")]));
    const bodies = [decodeMessage(await wire.receive()).body, decodeMessage(await wire.receive()).body];
    assert.deepEqual(bodies, [{ r: "one" }, { rc: 8 }]);
    assert.deepEqual(await call(wire, os.echo, { d: "next" }), { r: "next" });
  });

  it("goes on after a group's refusal in SMP v2, which is an answer like any other", async () => {
    const refused = requestFrame(image.writeState, {});
    wire.send(Buffer.concat([refused, echo("behind")]));
    assert.deepEqual(decodeMessage(await wire.receive()).body, { err: { group: 1, rc: 24 } });
    assert.deepEqual(decodeMessage(await wire.receive()).body, { r: "behind" });
  });

  it("executes a request that is sent twice twice, whatever its sequence number", async () => {
    assert.deepEqual(await ask(wire, echo("same")), await ask(wire, echo("same")));
  });

  it("answers rc 7 when the answer does not fit a buffer", async () => {
    start({ bufSize: 64 });
    const fits = "x".repeat(64 - 8 - 6);
    assert.deepEqual(await call(wire, os.echo, { d: fits }), { r: fits });
    assert.deepEqual(await call(wire, image.readState), { rc: 7 });
  });
});
