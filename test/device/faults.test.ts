import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import {
  answerGarbage,
  answerWrongSequence,
  delayAnswer,
  duplicateAnswer,
  fromNth,
  loseAnswer,
  loseRequest,
  nth,
  only,
  rebootInstead,
  refuseWith,
  takeOverUpload,
  truncateAnswer,
} from "../../src/device/faults";
import { image, os } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { buildImage } from "../build-image";
import { ask, call, inProcess, requestFrame, until } from "./bench";

const NEW = buildImage({ version: "2.0.0", payloadBytes: 3000 });
const chunk = (off: number, end: number) => ({ off, data: NEW.subarray(off, end) });
const FIRST = { ...chunk(0, 100), len: NEW.length, sha: Buffer.alloc(32, 1) };

describe("faults of the virtual device", () => {
  let device: VirtualDevice;
  let wire: ReturnType<typeof inProcess>;

  beforeEach(() => {
    device = new VirtualDevice({ name: "device", slot0: buildImage({ version: "1.0.0" }) });
    wire = inProcess(device);
  });
  afterEach(() => device.close());

  const echo = (d: string): void => wire.send(requestFrame(os.echo, { d }));
  /** The answer to the next echo proves that nothing else came before. */
  const nextEcho = async (d: string): Promise<unknown> => (await call(wire, os.echo, { d }))["r"];

  it("lose a request: it is not executed", async () => {
    device.faults.add(only(image.upload, nth(2, loseRequest)));
    await call(wire, image.upload, FIRST);
    wire.send(requestFrame(image.upload, chunk(100, 200)));
    assert.deepEqual(await call(wire, image.upload, chunk(200, 300)), { off: 100 });
  });

  it("lose an answer: the request was executed", async () => {
    device.faults.add(only(image.upload, nth(2, loseAnswer)));
    await call(wire, image.upload, FIRST);
    wire.send(requestFrame(image.upload, chunk(100, 200)));
    assert.deepEqual(await call(wire, image.upload, chunk(200, 300)), { off: 300 });
  });

  it("repeat an answer", async () => {
    device.faults.add(nth(1, duplicateAnswer));
    echo("twice");
    assert.deepEqual(await wire.receive(), await wire.receive());
    assert.equal(await nextEcho("once"), "once");
  });

  it("delay an answer behind the next one", async () => {
    device.faults.add(nth(1, delayAnswer(5)));
    echo("late");
    assert.equal(await nextEcho("early"), "early");
    assert.deepEqual(decodeMessage(await wire.receive()).body, { r: "late" });
  });

  it("answer with another sequence number", async () => {
    device.faults.add(answerWrongSequence);
    const frame = Buffer.from(requestFrame(os.echo, { d: "x" }));
    frame[6] = 255;
    assert.equal((await ask(wire, frame)).seq, 0);
  });

  it("answer garbage, or the beginning of the answer", async () => {
    device.faults.add(nth(1, answerGarbage(Buffer.of(1, 2, 3))));
    device.faults.add(nth(2, truncateAnswer(9)));
    echo("x");
    assert.deepEqual(Buffer.from(await wire.receive()), Buffer.of(1, 2, 3));
    echo("x");
    assert.equal((await wire.receive()).length, 9);
  });

  it("refuse with a code of the application's own, in the form for the client's version", async () => {
    device.faults.add(only(os.echo, refuseWith({ group: 64, rc: 300 })));
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { err: { group: 64, rc: 300 } });
    assert.deepEqual(await call(wire, os.echo, { d: "x" }, 0), { rc: 1 });
    device.faults.add(refuseWith({ rc: 10 }));
    assert.deepEqual(await call(wire, os.parameters), { rc: 10 });
  });

  it("go silent from one request on", async () => {
    device.faults.add(fromNth(3, loseRequest));
    assert.equal(await nextEcho("1"), "1");
    assert.equal(await nextEcho("2"), "2");
    for (let number = 3; number < 8; number++) echo(String(number));
    device.faults.clear();
    assert.equal(await nextEcho("well again"), "well again");
  });

  it("reboot in the middle of an upload, which is gone then", async () => {
    device.faults.add(only(image.upload, nth(2, rebootInstead)));
    await call(wire, image.upload, FIRST);
    wire.send(requestFrame(image.upload, chunk(100, 200)));
    assert.deepEqual(wire.losses, ["the virtual device device is gone: it crashed"]);
    await until(() => device.state === "application");
    assert.deepEqual(await call(wire, image.upload, chunk(100, 200)), { off: 0 });
  });

  it("let another client take the upload over", async () => {
    device.faults.add(only(image.upload, nth(2, takeOverUpload({ lenBytes: 5000, chunkBytes: 64 }))));
    await call(wire, image.upload, FIRST);
    assert.deepEqual(await call(wire, image.upload, chunk(100, 200)), { off: 64 });
  });

  it("are stacked: the newest sees a request first and its answer last", async () => {
    const seen: string[] = [];
    device.faults.add(() => seen.push("older"));
    const remove = device.faults.add(() => seen.push("newer"));
    await nextEcho("x");
    assert.deepEqual(seen, ["newer", "older"]);
    remove();
    await nextEcho("x");
    assert.deepEqual(seen, ["newer", "older", "older"]);
    device.faults.add(loseRequest);
    echo("lost before the others see it");
    assert.equal(seen.length, 3);
    device.faults.clear();
    device.faults.add(truncateAnswer(8));
    device.faults.add(duplicateAnswer);
    echo("x");
    assert.deepEqual([(await wire.receive()).length, (await wire.receive()).length], [8, 8]);
  });

  it("see the command, its decoded body and the number of the packet", async () => {
    const seen: unknown[] = [];
    device.faults.add(({ number, command, body }) => seen.push([number, command?.name, body]));
    await nextEcho("x");
    wire.send(Buffer.of(1, 2));
    assert.deepEqual(seen, [
      [1, "os.echo", { d: "x" }],
      [2, undefined, {}],
    ]);
  });
});
