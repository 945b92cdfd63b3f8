import assert from "node:assert/strict";
import { MAX_IMAGE_NUMBER, udpTransport } from "../../src/index";
import { Editor, POOL, TYPES, type EditorNode } from "./node-files";

const HASH = "ab".repeat(32);

/** Settings that are wrong, and how the message begins: each names its field. */
const WRONG: [type: string, property: string, settings: Record<string, unknown>, message: RegExp][] = [
  ["smp-pool", "link", { link: "pigeon" }, /^Link: /],
  ["smp-pool", "devices", { devices: [] }, /^Devices: add/],
  ["smp-pool", "devices", { devices: [{ name: " ", trial: "healthy" }] }, /^Devices: give every device a name/],
  ["smp-pool", "devices", { devices: [{ name: "a" }, { name: "b" }, { name: "a " }] }, /^Devices: .* a is used twice/],
  ["smp-pool", "profile", { profile: "zephyr-1.0" }, /^SMP server: .*zephyr-4\.4/],
  ["smp-pool", "mode", { mode: "" }, /^Bootloader: .*swap-move/],
  ["smp-pool", "slotKiB", { slotKiB: "15" }, /^Slot size: .*from 16 to/],
  ["smp-pool", "bufSize", { bufSize: "70000" }, /^Buffer size: .*to 65535/],
  ["smp-pool", "bufCount", { bufCount: "0" }, /^Buffers: .*from 1 to/],
  ["smp-pool", "pace", { pace: undefined }, /^Pace: /],
  ["smp-pool", "bleDriver", { link: "ble", bleDriver: "noble" }, /^Driver: /],
  ["smp-pool", "bleAdapter", { link: "ble", bleAdapter: "hci0" }, /^Adapter: .*from 0 to 63/],
  ["smp-pool", "bleChannel", { link: "ble", bleChannel: "both" }, /^Access: /],
  ["smp-pool", "bleScanS", { link: "ble", bleScanS: "0" }, /^Look for: .*from 1 to 300/],
  ["smp-pool", "baudRate", { link: "serial", baudRate: "fast" }, /^Baud rate: .*from 50 to/],
  ["smp-pool", "flowControl", { link: "serial", flowControl: "dtr" }, /^Flow control: /],
  ["smp-pool", "framing", { link: "serial", framing: "slip" }, /^Framing: /],
  ["smp-pool", "lineDelayMs", { link: "serial", lineDelayMs: "5000" }, /^Line pause: .*to 1000/],
  ["smp-pool", "udpPort", { link: "udp", udpPort: "0" }, /^Port: .*from 1 to 65535/],
  ["smp-pool", "maxDatagram", { link: "udp", maxDatagram: "1500" }, /^Largest datagram: .*to 1472/],
  ["smp-pool", "flowMaxMessage", { link: "flow", flowMaxMessage: "63" }, /^Largest message: .*from 64 to/],
  ["smp-pool", "flowPerMinute", { link: "flow", flowPerMinute: "0.5" }, /^Rate: .*from 1 to/],
  ["smp-pool", "flowInFlight", { link: "flow", flowInFlight: "17" }, /^Unanswered at most: .*to 16/],
  ["smp-pool", "flowRoundTripS", { link: "flow", flowRoundTripS: "0" }, /^Round trip: .*from 1 to/],
  ["smp-frames-out", "pool", { pool: "" }, /^Pool: choose/],
  ["smp-frames-out", "form", { form: "auto" }, /^Payload: choose one of buffer/],
  ["smp-frames-in", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-frames-in", "form", { form: "binary" }, /^Payload: choose one of auto/],
  ["smp-pool", "keys", { keys: "-----BEGIN PRIVATE KEY-----" }, /^Public keys: this is a private key/],
  ["smp-pool", "maxSessions", { maxSessions: "many" }, /^Open at once: .*whole number/],
  ["smp-pool", "idleCloseS", { idleCloseS: "-1" }, /^Close after: /],
  ["smp-pool", "maxWaiting", { maxWaiting: "" }, /^Waiting at most: /],
  ["smp-pool", "attempts", { attempts: "1.5" }, /^Attempts: /],
  ["smp-pool", "protocol", { protocol: "3" }, /^SMP version: /],
  ["smp-pool", "trace", { trace: "on" }, /^Frames: choose one of off, file/],
  ["smp-pool", "traceMiB", { trace: "file", traceMiB: "0" }, /^Room: .*from 1 to/],
  ["smp-pool", "traceFrames", { trace: "file", traceFrames: "all" }, /^Content: choose one of described/],
  ["smp-trace", "pool", { pool: "" }, /^Pool: choose/],
  ["smp-trace", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-trace", "maxPerSecond", { maxPerSecond: "0" }, /^At most: .*from 1 to/],
  ["smp-discover", "pool", { pool: "" }, /^Pool: choose/],
  ["smp-discover", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-discover", "seconds", { seconds: "4" }, /^Look for: .*from 5 to 300/],
  ["smp-discover", "minRssi", { minRssi: "weak" }, /^Signal: .*from -127 to 20/],
  ["smp-discover", "minRssi", { minRssi: "-128" }, /^Signal: .*from -127 to 20/],
  ["smp-connect", "pool", { pool: "" }, /^Pool: choose/],
  ["smp-connect", "pool", { pool: "_ADD_" }, /^Pool: choose/],
  ["smp-connect", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-connect", "device", { device: " " }, /^Device: enter a value/],
  ["smp-connect", "device", { device: "a b", deviceType: "msg" }, /^Device: /],
  ["smp-image-state", "firmware", { firmware: "" }, /^Firmware: enter a value/],
  ["smp-image-state", "image", { image: "-1" }, /^Image: .*from 0 to/],
  ["smp-upload", "firmware", { firmware: "", firmwareType: "str" }, /^Firmware: enter a value/],
  ["smp-upload", "firmware", { firmware: "#:(disk)::a b", firmwareType: "flow" }, /^Firmware: /],
  ["smp-upload", "image", { image: "one" }, /^Image: .*whole number/],
  ["smp-upload", "image", { image: "", imageType: "msg" }, /^Image: enter a value/],
  ["smp-upload", "window", { window: "9" }, /^Window: .*from 1 to 8/],
  ["smp-upload", "sha256", { sha256: HASH.slice(1), sha256Type: "str" }, /^SHA-256: enter 64/],
  ["smp-upload", "sha256", { sha256: "a b", sha256Type: "msg" }, /^SHA-256: /],
  ["smp-update", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-update", "device", { device: "" }, /^Devices: enter a value/],
  ["smp-update", "firmware", { firmware: "" }, /^Firmware: enter a value/],
  ["smp-update", "image", { image: "one" }, /^Image: .*whole number/],
  ["smp-update", "image", { image: String(MAX_IMAGE_NUMBER + 1) }, /^Image: .*from 0 to 15/],
  ["smp-update", "sha256", { sha256: HASH.slice(1), sha256Type: "str" }, /^SHA-256: enter 64/],
  ["smp-update", "goal", { goal: "hope" }, /^Policy: .*test-and-confirm/],
  ["smp-update", "versions", { versions: "older" }, /^Versions: .*newer/],
  ["smp-update", "onTrial", { onTrial: "" }, /^Other trial: .*refuse/],
  ["smp-update", "gateS", { gateS: "0" }, /^Answer: .*from 1 to/],
  ["smp-update", "limit", { limit: "0" }, /^Side by side: .*from 1 to 1000/],
  ["smp-update", "canary", { canary: "-1" }, /^Canaries: .*from 0 to/],
  ["smp-update", "maxFailures", { maxFailures: "0" }, /^Stop after: .*from 1 to/],
  ["smp-update", "waitS", { waitS: "0" }, /^Wait: .*from 1 to/],
  ["smp-test", "hash", { hash: "" }, /^Image hash: enter a value/],
  ["smp-test", "hash", { hash: "1.5.0", hashType: "str" }, /^Image hash: .*hex/],
  ["smp-test", "image", { image: "2.5", imageType: "num" }, /^Image: /],
  ["smp-reset", "waitS", { waitS: "forever" }, /^Wait: .*from 0 to/],
  ["smp-gateway", "pool", { pool: "" }, /^Pool: choose/],
  ["smp-gateway", "pool", { pool: "gone" }, /^Pool: .*does not exist/],
  ["smp-gateway", "gateway", { gateway: " " }, /^Gateway: enter/],
  ["smp-gateway", "allow", { allow: "image, os/echo" }, /^Allowed: "os\/echo"/],
  ["smp-gateway", "maxMessageBytes", { maxMessageBytes: "100" }, /^Largest message: .*from 128 to/],
  ["smp-confirm", "hash", { hash: HASH.slice(1), hashType: "str" }, /^Image hash: .*hex/],
  ["smp-confirm", "image", { image: "" }, /^Image: enter a value/],
  ["smp-request", "command", { command: "" }, /^Command: enter a value/],
  ["smp-request", "op", { command: "raw", op: "ask" }, /^Operation: .*read, write/],
  ["smp-request", "group", { command: "raw", group: "65536" }, /^Group: .*from 0 to 65535/],
  ["smp-request", "commandId", { command: "raw", commandId: "256" }, /^Command id: .*from 0 to 255/],
  ["smp-request", "request", { request: "{ d }" }, /^Request: /],
  ["smp-request", "timeoutMs", { timeoutMs: "1" }, /^Timeout: .*from 100 to/],
];

const FRAMES = ["smp-frames-out", "smp-frames-in"];

describe("the validation in the editor", () => {
  let editor: Editor;
  let pool: EditorNode;
  beforeEach(() => {
    editor = new Editor();
    pool = editor.add(POOL);
  });

  for (const type of TYPES) {
    it(`of ${type} accepts the defaults, once a pool is chosen`, () => {
      if (FRAMES.includes(type)) pool["link"] = "flow";
      const node = editor.add(
        type,
        [...FRAMES, "smp-trace", "smp-connect", "smp-discover", "smp-gateway"].includes(type) ? { pool: pool.id } : {},
      );
      for (const property of Object.keys(editor.definition(type).defaults)) {
        assert.equal(editor.validate(node, property), true, property);
      }
    });

    it(`of ${type} accepts an environment variable in each field`, () => {
      for (const property of Object.keys(editor.definition(type).defaults)) {
        if (property === "devices") continue;
        assert.equal(editor.validate(editor.add(type, { [property]: "${SMP_SETTING}" }), property), true, property);
      }
    });

    it(`of ${type} lets the editor show why a value is wrong`, () => {
      for (const [property, { validate }] of Object.entries(editor.definition(type).defaults)) {
        if (!validate) continue;
        assert.equal(validate.length, 2, `${property}: the editor drops messages of validators with one parameter`);
        const tried = WRONG.some((each) => each[0] === type && each[1] === property);
        assert.ok(tried, `${property} has a rule that no test breaks`);
      }
    });
  }

  for (const [type, property, settings, message] of WRONG) {
    it(`refuses ${JSON.stringify(settings)} in ${type}`, () => {
      const said = editor.validate(editor.add(type, settings), property);
      assert.equal(typeof said, "string");
      assert.match(said as string, message);
    });
  }

  it("knows the devices of a virtual pool", () => {
    pool["devices"] = [{ name: "door" }, { name: "window" }];
    const said = editor.validate(editor.add("smp-connect", { pool: pool.id, device: "roof" }), "device");
    assert.match(String(said), /^Device: .*roof.*door, window/);
    assert.equal(editor.validate(editor.add("smp-connect", { pool: pool.id, device: "door" }), "device"), true);
    const dynamic = editor.add("smp-connect", { pool: pool.id, device: "topic", deviceType: "msg" });
    assert.equal(editor.validate(dynamic, "device"), true);
  });

  it("knows how a device on an IP network is addressed", () => {
    pool["link"] = "udp";
    const say = (device: string): unknown =>
      editor.validate(editor.add("smp-connect", { pool: pool.id, device }), "device");
    for (const address of ["sensor-1", "192.168.1.20:1338", "fühler.local:1", "2001:DB8::1", "[fe80::1%eth0]:1337"]) {
      assert.doesNotThrow(() => udpTransport().parse(address));
      assert.equal(say(address), true, address);
    }
    for (const address of ["udp://sensor", "sensor:", "sensor:port", "a b", "[sensor]:1", "sensor/1"]) {
      assert.throws(() => udpTransport().parse(address));
      assert.match(String(say(address)), /^Device: .*\[IPv6\]:port/, address);
    }
    assert.equal(say("${SENSOR}"), true);
  });

  it("lets frames through pools only whose link is the flow", () => {
    for (const type of FRAMES) {
      const node = editor.add(type, { pool: pool.id });
      assert.match(String(editor.validate(node, "pool")), /^Pool: choose one whose link is Flow/);
      pool["link"] = "flow";
      assert.equal(editor.validate(node, "pool"), true);
      pool["link"] = "virtual";
    }
  });

  it("refuses a pool that is disabled or not valid", () => {
    const connect = editor.add("smp-connect", { pool: pool.id });
    pool["valid"] = false;
    assert.match(String(editor.validate(connect, "pool")), /^Pool: .*not valid/);
    pool["d"] = true;
    assert.match(String(editor.validate(connect, "pool")), /^Pool: .*disabled/);
  });

  it("judges the node in the open form by what the form shows, and any other by what it holds", () => {
    const [edited, other] = [editor.add("smp-confirm"), editor.add("smp-confirm")];
    for (const node of [edited, other]) node["hash"] = "";
    editor.edited = edited;
    editor.form.set("#node-input-hashType", "none");
    assert.equal(editor.validate(edited, "hash"), true);
    assert.equal(typeof editor.validate(other, "hash"), "string");
  });

  it("needs no image number where no firmware is compared", () => {
    assert.equal(editor.validate(editor.add("smp-image-state", { firmwareType: "none", image: "" }), "image"), true);
  });

  it("takes every image number that the nodes take", () => {
    for (const image of ["0", String(MAX_IMAGE_NUMBER)])
      assert.equal(editor.validate(editor.add("smp-upload", { image }), "image"), true);
  });

  it("takes a file's SHA-256 as text, or none", () => {
    for (const sha256 of [HASH, `sha256:${HASH.toUpperCase()}`, "", " "]) {
      assert.equal(editor.validate(editor.add("smp-upload", { sha256, sha256Type: "str" }), "sha256"), true);
    }
  });

  it("takes hashes of all sizes, in either case", () => {
    for (const hash of [HASH, "AB".repeat(48), "0f".repeat(64)]) {
      assert.equal(editor.validate(editor.add("smp-test", { hash, hashType: "str" }), "hash"), true);
    }
  });
});
