import assert from "node:assert/strict";
import * as fc from "fast-check";
import { imageHash, imageNumber, nonEmptyText, oneOf, wholeNumber, type Field } from "../../../nodes/runtime/checks";
import { readRequest } from "../../../nodes/runtime/gateway-request";
import type { FlowMessage } from "../../../nodes/runtime/red";
import { readPoolSettings, type PoolConfig } from "../../../nodes/runtime/pool-settings";
import { wantedImage } from "../../../nodes/runtime/wanted-image";
import { frameEnvelope, readEnvelope } from "../../../src/framing/envelope";
import { decodePayload, encodePayload, PAYLOAD_FORMS } from "../../../src/framing/payload";
import { parseBleAddress } from "../../../src/transport/ble-address";
import { parseSerialAddress, SERIAL_DEFAULTS } from "../../../src/transport/serial/address";
import { formatUdpAddress, parseUdpAddress } from "../../../src/transport/udp-address";
import { anything, bytes, damaged } from "../inputs";
import { refusedOrDone, target } from "../target";

const field: Field = { name: "field", code: "SMP_BAD_INPUT", origin: "msg.field" };
const form = fc.constantFrom(...PAYLOAD_FORMS);
const forms = fc.oneof(form, fc.constant("auto" as const));
const name = fc.string({ minLength: 1, maxLength: 20 });
const content = bytes(120).filter(({ length }) => length > 0);

const members = fc.constantFrom(
  "v",
  "device",
  "id",
  "frame",
  "frames",
  "error",
  "ack",
  "gateway",
  "state",
  "__proto__",
);
const envelope = fc
  .array(fc.tuple(members, fc.oneof(anything, fc.base64String(), fc.constantFrom(1, true))), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries) as unknown);

const settings = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "devices",
        "slotKiB",
        "bufSize",
        "maxSessions",
        "attempts",
        "protocol",
        "profile",
        "bleAdapter",
        "baudRate",
        "framing",
        "flowControl",
        "udpPort",
        "pace",
      ),
      fc.oneof(
        anything,
        fc.integer().map(String),
        fc.array(fc.record({ name: anything, trial: anything }), { maxLength: 3 }),
      ),
    ),
    { maxLength: 8 },
  )
  .chain((entries) =>
    fc
      .oneof(anything, fc.constantFrom("virtual", "ble", "serial", "udp"))
      .map((link) => ({ ...Object.fromEntries(entries), link })),
  );

const addressText = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.stringMatching(/^(usb|tcp|COM|\/dev)[a-f0-9:?&=/*.[\]]{0,40}$/),
  fc.stringMatching(/^\[?[a-f0-9:.%[\]]{0,40}$/),
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
  fc.webUrl(),
);
const address = fc.oneof(addressText, anything);

export const MESSAGE_TARGETS = [
  target("payload: frames come back in every form", fc.tuple(form, name, content), ([each, device, frame]) => {
    const sent = encodePayload(each, { device, id: "7", frame });
    const decoded = decodePayload(JSON.parse(JSON.stringify(sent)), each);
    assert.equal(decoded.kind, "frames");
    assert.deepEqual(decoded.kind === "frames" && decoded.frames, [Uint8Array.from(frame)]);
    if (each === "envelope") assert.deepEqual([decoded.kind === "frames" && decoded.device], [device]);
  }),
  target(
    "payload: anything is decoded or refused",
    fc.tuple(fc.oneof(anything, envelope), forms),
    ([payload, each]) => {
      refusedOrDone(() => decodePayload(payload, each));
    },
    20,
  ),
  target(
    "payload: damaged JSON is decoded or refused",
    fc.tuple(damaged(content.map((frame) => Buffer.from(JSON.stringify(frameEnvelope("d", "1", frame))))), forms),
    ([input, each]) => {
      refusedOrDone(() => decodePayload(input.toString("utf8"), each));
      refusedOrDone(() => decodePayload(input, each));
    },
  ),
  target("envelope: any members are read or refused", envelope, (json) => {
    const read = refusedOrDone(() => readEnvelope(json));
    if (read?.kind === "frames") for (const frame of read.frames) assert.ok(frame instanceof Uint8Array);
  }),
  target("pool settings: anything is a pool or refused", settings, (config) => {
    const read = refusedOrDone(() => readPoolSettings(config as unknown as PoolConfig));
    if (read) assert.ok(Number.isSafeInteger(read.maxSessions) && Number.isSafeInteger(read.hardware.slotBytes));
  }),
  target("typed inputs: any value is taken or refused", anything, (value) => {
    const given = { value, field };
    const number = refusedOrDone(() => wholeNumber(field, value, [0, 100]));
    if (number !== undefined) assert.ok(Number.isInteger(number) && number >= 0 && number <= 100);
    const hash = refusedOrDone(() => imageHash(given));
    if (hash !== undefined) assert.match(hash, /^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/);
    refusedOrDone(() => imageNumber(given));
    refusedOrDone(() => nonEmptyText(field, value));
    refusedOrDone(() => oneOf(field, value, ["a", "b"]));
  }),
  target(
    "messages: any msg.smp names an image or none",
    fc.oneof(anything, fc.record({ firmware: fc.oneof(anything, fc.record({ hash: anything, image: anything })) })),
    (smp) => {
      const wanted = wantedImage({ _msgid: "1", smp });
      if (wanted) assert.deepEqual([typeof wanted.hash, typeof wanted.image], ["string", "number"]);
    },
  ),
  target(
    "gateway: any message is a request, nothing, or refused",
    fc.record({
      payload: fc.oneof(anything, envelope),
      topic: anything,
      smp: anything,
      retain: anything,
      messageExpiryInterval: anything,
    }),
    (msg) => {
      const request = refusedOrDone(() => readRequest({ _msgid: "1", ...msg } as FlowMessage));
      if (!request) return;
      assert.ok(typeof request.device === "string" && request.device !== "");
      assert.ok(request.bytes.every((each) => each instanceof Uint8Array));
    },
  ),
  target(
    "addresses: any are parsed or refused",
    address,
    (given) => {
      refusedOrDone(() => parseBleAddress(given));
      refusedOrDone(() => parseSerialAddress(given, SERIAL_DEFAULTS));
      const udp = refusedOrDone(() => parseUdpAddress(given, 1337));
      if (udp) assert.deepEqual(parseUdpAddress(formatUdpAddress(udp), 1), udp, "what it is called finds it again");
    },
    20,
  ),
];
