/** Our client against Zephyr 4.4's own SMP server over a serial port, which is a pseudo terminal. */
import assert from "node:assert/strict";
import { commands, createPool, type SessionPool, type SmpSession, TRANSPORTS } from "../../src/index";
import { readFile, writeFile } from "./zephyr-files";
import { ZephyrServer } from "./zephyr-server";

const { os } = commands;
const INSTALL_MS = 900_000;
const ECHOES_MS = 120_000;
/** What an echo adds to its text: header, map, key, and the text's own length field, which grows with it. */
const echoBytes = (length: number): number => 8 + 1 + 2 + (length < 24 ? 1 : length < 256 ? 2 : 3) + length;
/** All sizes up to here and near the limit, each seventh between: the server looks at its line 50 times a second. */
const EVERY_SIZE_BYTES = 300;
const FILE_BYTES = 5_000;

const BUILDS = [
  { config: "serial_buf96", options: "", parameters: { bufSize: 96, bufCount: 4 }, frameBytes: 92 },
  { config: "serial_buf256", options: "", parameters: { bufSize: 256, bufCount: 4 }, frameBytes: 252 },
  { config: "serial_buf1024", options: "", parameters: { bufSize: 1024, bufCount: 4 }, frameBytes: 1020 },
  { config: "serial_buf2048", options: "", parameters: { bufSize: 2048, bufCount: 4 }, frameBytes: 2044 },
  { config: "serial_noparams", options: "", parameters: undefined, frameBytes: 380 },
  // Two line buffers, and a line without a baud rate: it wants longer pauses than a real one.
  { config: "serial", options: "?linedelay=25", parameters: { bufSize: 384, bufCount: 4 }, frameBytes: 380 },
  // Its answers have one byte less than its buffer.
  {
    config: "serial_raw",
    options: "?framing=raw",
    parameters: { bufSize: 384, bufCount: 4 },
    frameBytes: 384,
    answerBytes: 383,
  },
];

describe("Zephyr's SMP server over a serial port", () => {
  let server: ZephyrServer | undefined;
  let pool: SessionPool;

  before(async function () {
    this.timeout(INSTALL_MS);
    server = await ZephyrServer.start("serial");
    await server.stop();
  });
  beforeEach(() => (pool = createPool(TRANSPORTS.serial())));
  afterEach(async () => {
    await pool.close();
    await server?.stop();
    server = undefined;
  });

  async function use(config: string, options: string, work: (session: SmpSession) => Promise<void>): Promise<void> {
    server = await ZephyrServer.start(config);
    await pool.use(server.path + options, { name: "test" }, async (device) => work(await device.session()));
  }

  for (const { config, options, parameters, frameBytes, answerBytes = frameBytes } of BUILDS) {
    it(`tells its buffers and echoes texts up to the largest frame, ${config}`, async () => {
      await use(config, options, async (session) => {
        assert.deepEqual([session.parameters, session.maxFrameBytes], [parameters, frameBytes]);
        let length = 0;
        while (echoBytes(length) <= answerBytes) {
          const d = "x".repeat(length);
          assert.equal((await session.request(os.echo, { d })).r, d);
          length += length < EVERY_SIZE_BYTES || echoBytes(length) > answerBytes - 50 ? 1 : 7;
        }
        while (echoBytes(length) <= frameBytes) length++;
        const tooLong = session.request(os.echo, { d: "x".repeat(length) });
        await assert.rejects(tooLong, { code: "SMP_FRAME_TOO_LARGE" });
      });
    }).timeout(ECHOES_MS);
  }

  it("says what it is", async () => {
    await use("serial_buf1024", "", async (session) => {
      assert.match((await session.request(os.info, { format: "a" })).output, /Zephyr.*native/);
    });
  });

  it("keeps a file, chunk by chunk, and gives it back", async () => {
    const file = Buffer.from(Array.from({ length: FILE_BYTES }, (_, index) => (index * 7 + (index >> 8)) % 256));
    await use("serial_fs", "", async (session) => {
      await writeFile(session, file);
      assert.ok((await readFile(session)).equals(file), "every byte comes back");
    });
  }).timeout(ECHOES_MS);
});
