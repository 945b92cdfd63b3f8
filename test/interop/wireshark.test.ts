/** What Wireshark makes of a trace's capture, read by its own tshark. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dissector } from "../../src/trace/lua";
import { pcapng } from "../../src/trace/pcapng";
import { timed } from "../../src/trace/read";
import { Kept, tracedUpdate } from "../trace/bench";

const FIELDS = ["frame.time_epoch", "frame.len", "udp.dstport", "_ws.col.Protocol", "_ws.col.Info", "frame.comment"];

describe("Wireshark", function () {
  this.timeout(120_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "smp-wireshark-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function tshark(capture: string, ...args: string[]): string {
    const lua = join(folder, "smp.lua");
    writeFileSync(lua, dissector());
    const command = ["-X", `lua_script:${lua}`, "-r", capture, ...args];
    return execFileSync("tshark", command, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }

  for (const frames of ["whole", "described"] as const) {
    it(`opens the capture of an update with ${frames} frames, and names every packet`, async () => {
      const { traced } = await tracedUpdate(new Kept(frames));
      const capture = join(folder, `${frames}.pcapng`);
      writeFileSync(capture, Buffer.concat([...pcapng(timed(traced))]));
      const said = tshark(capture, "-T", "fields", ...FIELDS.flatMap((field) => ["-e", field]));
      const packets = said
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t"));
      assert.equal(packets.length, traced.length);
      for (const [index, { ms, bytes, dir, command, header }] of traced.entries()) {
        const [epochS, length, port, protocol, info, comment] = packets[index]!;
        const atMs = Date.parse(traced[0]!.at) + ms - traced[0]!.ms;
        assert.ok(Math.abs(Number(epochS) * 1000 - atMs) < 0.01, `${epochS} for ${atMs}`);
        assert.deepEqual([Number(length), port === "1337"], [bytes + 28, dir === "out"]);
        const answer = dir === "in" ? " response" : "";
        assert.deepEqual([protocol, info], ["SMP", `${command}${answer}, seq ${header!.seq}`]);
        assert.ok(comment!.includes(`#${traced[index]!.n} `), comment);
      }
    });
  }

  it("shows the header's fields and the body of a packet", async () => {
    const { traced } = await tracedUpdate(new Kept("whole"));
    const capture = join(folder, "one.pcapng");
    const upload = traced.find(({ command }) => command === "image.upload")!;
    writeFileSync(capture, Buffer.concat([...pcapng(timed([upload]))]));
    const said = tshark(capture, "-V");
    for (const each of [/Operation: write \(2\)/, /Version: 2/, /Group: 1/, /Command: 1/, /Text String: sha/]) {
      assert.match(said, each);
    }
    assert.match(said, new RegExp(`Sequence: ${upload.header!.seq}\\n`));
    assert.match(said, /Byte String:/);
    assert.doesNotMatch(said, /Malformed/);
  });
});
