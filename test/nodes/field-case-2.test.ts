import assert from "node:assert/strict";
import helper from "node-red-node-test-helper";
import type { PoolNode } from "../../nodes/runtime/pool";
import { BLOCK_BYTES, fileBlocks } from "../../src/image/block-cache";
import { buildImage } from "../build-image";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, type Msg } from "./flow";
import { flowOf, NEW, to } from "./update-flow";

const NAMES = Array.from({ length: 12 }, (_, index) => `peripheral-${index + 1}`);
const LINKS = 3;
const POOL = pool({ devices: NAMES.map((name) => ({ name, trial: "healthy" })), maxSessions: String(LINKS) });
const FLOW = flowOf({ firmware: "payload", firmwareType: "msg", limit: String(LINKS) }, POOL);
const IMAGE = buildImage({ version: "1.5.0", payloadBytes: 300_000 });
const PIECE_BYTES = 1_000;

/** As a serial line brings it. */
function pieces(): Msg[] {
  const count = Math.ceil(IMAGE.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    ...to(NAMES),
    payload: IMAGE.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
    parts: { id: "line", index, type: "buffer", ...(index === count - 1 && { count }) },
  }));
}

describe("field case 2: a gateway with little memory updates many peripherals", () => {
  let flow: RunningFlow | undefined;
  afterEach(() => flow?.end());

  it("with an image that comes once, in pieces: few links and little of it in memory at a time", async () => {
    const running = (flow = await RunningFlow.load(FLOW));
    const sessions = (helper.getNode("pool") as unknown as PoolNode).sessions();
    const heldBefore = fileBlocks.heldBytes;
    let [mostLinks, mostHeldBytes] = [0, 0];
    sessions.watch(() => {
      mostLinks = Math.max(mostLinks, sessions.status().filter(({ link }) => link === "open").length);
      mostHeldBytes = Math.max(mostHeldBytes, fileBlocks.heldBytes - heldBefore);
    });
    for (const piece of pieces()) running.put("up", piece);
    const { payload } = await running.next("up result");
    assert.deepEqual(payload.counts, { confirmed: NAMES.length });
    for (const { device, evidence } of payload.devices) {
      assert.equal(stateOf(deviceOf(POOL, device)), NEW);
      assert.equal(evidence.images[0].servedFrom, "spool");
    }
    assert.equal(mostLinks, LINKS);
    assert.ok(mostHeldBytes <= (LINKS + 1) * BLOCK_BYTES, `${mostHeldBytes} bytes of the image in memory`);
    assert.equal(fileBlocks.heldBytes, heldBefore);
  });
});
