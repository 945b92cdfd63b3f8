import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { DeviceError } from "../../src/errors";
import { findCommand } from "../../src/smp/commands";
import { OP } from "../../src/smp/header";
import { decodeMessage } from "../../src/smp/message";
import { parseResponse } from "../../src/smp/response";
import { imageBytes } from "../images";
import { inProcess } from "./bench";
import { type Recorded, recording, replay } from "./replay";

const exchanges = recording("other-groups-zephyr-4.4");

function rowOf(exchange: Recorded) {
  const { op, group, id } = decodeMessage(Buffer.from(exchange.response!, "hex"));
  const asked = op === OP.READ_RESPONSE ? "read" : "write";
  // Servers take an echo as a read, too.
  return findCommand(asked, group, id) ?? findCommand("write", group, id);
}

describe("recordings of Zephyr 4.4, groups other than image", () => {
  it("has answers that all fit the command table, or are refusals", () => {
    let fitting = 0;
    for (const exchange of exchanges) {
      const { body } = decodeMessage(Buffer.from(exchange.response!, "hex"));
      const row = rowOf(exchange);
      try {
        assert.ok(row && !("rc" in body), exchange.note);
        parseResponse(row, body);
        fitting += 1;
      } catch (error) {
        const isRefusal = typeof body["rc"] === "number" && body["rc"] !== 0;
        assert.ok(isRefusal || error instanceof DeviceError, `${exchange.note}: ${String(error)}`);
      }
    }
    assert.ok(fitting > 30, "most of the recorded answers are no refusals");
  });

  it("is answered the same by the profile zephyr-4.4 where it has the group", async () => {
    const device = new VirtualDevice({
      name: "unknown",
      profile: "zephyr-4.4",
      bufSize: 2048,
      bufCount: 2,
      bootloaderInfo: false,
      slot0: imageBytes("hash-only-1.0.0.bin"),
    });
    const wire = inProcess(device);
    const absent = /task statistics|image state|settings|file|supported checksums|shell|enumeration|zephyr basic/;
    const played = exchanges.filter(({ note }) => !absent.test(note));
    assert.ok(played.length > 20);
    for (const exchange of played) {
      await replay(wire, exchange, ({ note, actual, expected }) => {
        if (/statistics list/.test(note)) expected["stat_list"] = actual["stat_list"];
        if (/statistics of one group/.test(note)) expected["fields"] = actual["fields"];
      });
    }
    device.close();
  });
});
