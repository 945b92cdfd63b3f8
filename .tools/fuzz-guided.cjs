// A coverage-guided fuzzer over everything that reads bytes from outside, for those who want more than npm run fuzz. The fuzzers
// are no dependencies of the package:
//   npm run build && npx --yes jsfuzz .tools/fuzz-guided.cjs CORPUS-FOLDER --versifier=false
//   npm run build && npx --yes --package @jazzer.js/core jazzer .tools/fuzz-guided.cjs CORPUS-FOLDER --sync -i dist/src  (needs glibc 2.38)
// The first byte of an input chooses the reader. A refusal with an SmpError is fine; anything else is a finding.
const { join } = require("node:path");

const built = (file) => require(join(__dirname, "../dist/src", file));
const { SmpError } = built("errors");
const { decodeMessage, decodeBody } = built("smp/message");
const { ConsoleDecoder } = built("framing/console-decoder");
const { RawDecoder } = built("framing/raw");
const { FrameAssembler } = built("framing/stream");
const { decodePayload } = built("framing/payload");
const { parseManifest } = built("image/manifest");
const { parseHeader } = built("image/mcuboot");
const { parseArea } = built("image/tlv");
const { describeFrame } = built("trace/described-frame");
const { readTrace } = built("trace/read");
const { parseSerialAddress, SERIAL_DEFAULTS } = built("transport/serial/address");
const { parseUdpAddress } = built("transport/udp-address");
const { parseBleAddress } = built("transport/ble-address");
const { Assembly } = built("transport/flow/assembly");

const inHalves = (bytes, take) => [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)].forEach(take);

const READERS = [
  (bytes) => decodeMessage(bytes),
  (bytes) => decodeBody(bytes),
  (bytes) => {
    const decoder = new ConsoleDecoder();
    inHalves(bytes, (piece) => decoder.take(piece));
  },
  (bytes) => {
    const decoder = new RawDecoder({ ops: [1, 3], maxFrameBytes: 65_543, onBadHeader: "search" });
    inHalves(bytes, (piece) => decoder.take(piece, 0));
  },
  (bytes) => {
    const assembler = new FrameAssembler();
    inHalves(bytes, (piece) => assembler.push(piece));
  },
  (bytes) => {
    const assembly = new Assembly(1000);
    inHalves(bytes, (piece) => assembly.take("", piece, 0));
  },
  (bytes) => decodePayload(bytes),
  (bytes) => decodePayload(bytes.toString("utf8")),
  (bytes) => parseManifest(bytes.toString("utf8"), "fuzz"),
  (bytes) => parseHeader(Buffer.concat([bytes, Buffer.alloc(32)]), "fuzz"),
  (bytes) => parseArea(bytes, "unprotected", 0, "fuzz"),
  (bytes) => JSON.stringify(describeFrame(bytes, "described")),
  (bytes) => readTrace(bytes.toString("utf8")),
  (bytes) => parseSerialAddress(bytes.toString("utf8"), SERIAL_DEFAULTS),
  (bytes) => parseUdpAddress(bytes.toString("utf8"), 1337),
  (bytes) => parseBleAddress(bytes.toString("utf8")),
];

module.exports.fuzz = (data) => {
  if (data.length === 0) return;
  try {
    READERS[data[0] % READERS.length](data.subarray(1));
  } catch (error) {
    if (!(error instanceof SmpError) || error.code === "SMP_INTERNAL") throw error;
  }
};
