/** Our client against Zephyr 4.4's own SMP server over UDP. */
import assert from "node:assert/strict";
import { createPool, commands, readImageState, TRANSPORTS, type SessionPool, type SmpSession } from "../../src/index";
import { readFile, writeFile } from "./zephyr-files";
import { ZephyrServer } from "./zephyr-server";

const { os } = commands;
const INSTALL_MS = 900_000;
/** What an echo adds to its text: header, map, key, and the text's own length field. */
const ECHO_BYTES = { small: 8 + 1 + 2 + 1, large: 8 + 1 + 2 + 3 };
/** The partition of the build holds little more. */
const FILE_BYTES = 5_000;

const BUILDS = [
  { config: "udp", address: "127.0.0.1", frameBytes: 1472, hasFiles: true },
  { config: "udp6", address: "::1", frameBytes: 1452, hasFiles: false },
];

for (const { config, address, frameBytes, hasFiles } of BUILDS) {
  describe(`Zephyr's SMP server over UDP at ${address}`, () => {
    let server: ZephyrServer | undefined;
    let pool: SessionPool;

    before(async function () {
      this.timeout(INSTALL_MS);
      server = await ZephyrServer.start(config);
    });
    after(() => server?.stop());
    beforeEach(() => (pool = createPool(TRANSPORTS.udp())));
    afterEach(() => pool.close());

    const use = <T>(work: (session: SmpSession) => Promise<T>): Promise<T> =>
      pool.use(address, { name: "test" }, async (device) => work(await device.session()));

    it("tells its buffers, and the session keeps within them and one datagram", async () => {
      await use(async (session) => {
        assert.deepEqual(session.parameters, { bufSize: 2048, bufCount: 2 });
        assert.deepEqual([session.maxFrameBytes, session.maxInFlight], [frameBytes, 1]);
      });
    });

    it("echoes texts of all sizes up to the largest frame", async () => {
      await use(async (session) => {
        const longest = frameBytes - ECHO_BYTES.large;
        for (let length = 0; length <= longest; length++) {
          const d = "x".repeat(length);
          assert.equal((await session.request(os.echo, { d })).r, d);
        }
        const tooLong = session.request(os.echo, { d: "x".repeat(longest + 1) });
        await assert.rejects(tooLong, { code: "SMP_FRAME_TOO_LARGE" });
        assert.equal(session.counters.retries, 0);
      });
    });

    it("says what it is", async () => {
      await use(async (session) => {
        const { output } = await session.request(os.info, { format: "a" });
        assert.match(output, /Zephyr.*4\.4\.0/);
        assert.match(output, /native/);
      });
    });

    it("refuses the image state, for which it was not built, and the session goes on", async () => {
      await use(async (session) => {
        await assert.rejects(readImageState(session), { code: "SMP_DEVICE", message: /does not support this command/ });
        assert.equal((await session.request(os.echo, { d: "still here" })).r, "still here");
      });
    });

    if (hasFiles) {
      it("keeps a file, chunk by chunk, and gives it back", async () => {
        const file = Buffer.from(Array.from({ length: FILE_BYTES }, (_, index) => (index * 7 + (index >> 8)) % 256));
        const read = await use(async (session) => {
          await writeFile(session, file);
          return await readFile(session);
        });
        assert.ok(read.equals(file), "every byte comes back");
      });
    }
  });
}
