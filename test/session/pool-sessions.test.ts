import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { SmpError } from "../../src/errors";
import { os } from "../../src/smp/commands";
import type { DeviceHandle, LinkState } from "../../src/session/types";
import { useFakeTime } from "./fake-time";
import { afterParameters, zephyr } from "./scripted-link";
import { Gate, makePool, operation } from "./scripted-transport";

const echo = async (device: DeviceHandle, d: string): Promise<string> => {
  const session = await device.session();
  return (await session.request(os.echo, { d })).r;
};

describe("pool: the session of a device", () => {
  const time = useFakeTime();

  it("is opened when it is asked for, not before", async () => {
    const { pool, transport } = makePool();
    await pool.use("a", operation("nothing"), async () => {});
    assert.deepEqual(transport.attempts, []);
    assert.equal(await pool.use("a", operation("echo"), (device) => echo(device, "x")), "x");
    assert.deepEqual(transport.attempts, ["a"]);
  });

  it("is shared by all operations", async () => {
    const { pool, transport } = makePool();
    const session = (device: DeviceHandle) => device.session();
    const [one, other] = await Promise.all([
      pool.use("a", operation("one"), session),
      pool.use("a", operation("two"), session),
    ]);
    assert.equal(one, other);
    assert.deepEqual(transport.attempts, ["a"]);
  });

  it("is opened once for all who ask meanwhile", async () => {
    const { pool, transport } = makePool();
    const gate = new Gate();
    transport.opening = () => gate.passed;
    const sessions = pool.use("a", operation("x"), (device) => Promise.all([1, 2, 3].map(() => device.session())));
    await time.pass(0);
    gate.open();
    assert.equal(new Set(await sessions).size, 1);
    assert.deepEqual(transport.attempts, ["a"]);
  });

  it("goes on opening for the others when one who asked aborts, and is given up by the last", async () => {
    const { pool, transport } = makePool();
    let given: AbortSignal | undefined;
    transport.opening = (_, signal) => {
      given = signal;
      return new Promise(() => {});
    };
    const [one, other] = [new AbortController(), new AbortController()];
    const work = pool.use("a", operation("x"), async (device) => {
      const asked = [one, other].map(({ signal }) => assert.rejects(device.session(signal), { code: "SMP_ABORTED" }));
      await time.pass(0);
      one.abort();
      await asked[0];
      assert.equal(given!.aborted, false);
      other.abort();
      await asked[1];
      assert.equal(given!.aborted, true);
      transport.opening = async () => {};
      assert.equal(await echo(device, "afresh"), "afresh");
    });
    await work;
    assert.equal(transport.attempts.length, 2);
    assert.equal(getEventListeners(one.signal, "abort").length, 0);
  });

  it("is not opened again before the link of an aborted attempt is closed", async () => {
    const { pool, transport } = makePool();
    const closed = new Gate();
    transport.closing = () => closed.passed;
    transport.script = () => undefined;
    await pool.use("a", operation("x"), async (device) => {
      const controller = new AbortController();
      const aborted = assert.rejects(device.session(controller.signal), { code: "SMP_ABORTED" });
      await time.pass(100);
      controller.abort();
      await aborted;
      transport.script = zephyr;
      const again = device.session();
      await time.pass(100);
      assert.deepEqual(transport.attempts, ["a"]);
      closed.open();
      assert.equal((await again).endedBy, undefined);
    });
  });

  it("obeys the operation's own signal while it opens", async () => {
    const { pool, transport } = makePool();
    transport.opening = () => new Promise(() => {});
    const controller = new AbortController();
    const failed = assert.rejects(
      pool.use("a", operation("x", { signal: controller.signal }), (device) => device.session()),
      { code: "SMP_ABORTED" },
    );
    await time.pass(0);
    controller.abort();
    await failed;
    assert.equal(pool.status()[0]!.link, "closed");
    assert.equal(time.pending(), 0);
  });

  it("is opened anew when it was lost, within the same operation", async () => {
    const { pool, transport } = makePool();
    const answers = await pool.use("a", operation("x"), async (device) => {
      const before = await echo(device, "before");
      transport.link("a").lose();
      await (await device.session()).ended.catch(() => {});
      return [before, await echo(device, "after")];
    });
    assert.deepEqual(answers, ["before", "after"]);
    assert.deepEqual(transport.attempts, ["a", "a"]);
  });

  it("is opened anew at once when an operation has closed it itself", async () => {
    const { pool } = makePool();
    await pool.use("a", operation("x"), async (device) => {
      const closed = await device.session();
      void closed.close();
      assert.notEqual(await device.session(), closed);
    });
  });

  it("is not opened any further when the operation ends without waiting for it", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    transport.opening = () => new Promise(() => {});
    let unawaited: Promise<unknown> | undefined;
    await pool.use("a", operation("hasty"), async (device) => {
      unawaited = assert.rejects(device.session(), { code: "SMP_INTERNAL", message: /hasty on a has ended/ });
      await time.pass(0);
    });
    await unawaited;
    transport.opening = async () => {};
    await pool.use("b", operation("x"), (device) => device.session());
    assert.deepEqual(transport.attempts, ["a", "b"]);
  });

  it("is shown as it comes and goes, with the reason of a loss", async () => {
    const { pool, transport } = makePool();
    const states: LinkState[] = [];
    const unwatch = pool.watch(({ link }) => {
      if (states.at(-1) !== link) states.push(link);
    });
    await pool.use("a", operation("x"), (device) => echo(device, "x"));
    assert.deepEqual(states, ["closed", "opening", "open"]);
    transport.link("a").lose();
    await time.pass(0);
    assert.deepEqual(states, ["closed", "opening", "open", "closed"]);
    assert.match(pool.status()[0]!.lastError!.message, /lost its power/);
    unwatch();
    await pool.use("a", operation("x"), (device) => echo(device, "x"));
    assert.equal(states.length, 4);
    assert.equal(pool.status()[0]!.lastError, undefined);
  });

  it("stays after a refusal", async () => {
    const { pool, transport } = makePool();
    const refused = pool.use("a", operation("x"), async (device) => (await device.session()).request(os.info, {}));
    await assert.rejects(refused, { code: "SMP_DEVICE" });
    await pool.use("a", operation("y"), (device) => echo(device, "y"));
    assert.deepEqual(transport.attempts, ["a"]);
  });

  it("stays after a failure that says nothing of the link", async () => {
    const { pool, transport } = makePool();
    const failed = pool.use("a", operation("x"), async (device) => {
      await echo(device, "x");
      throw new SmpError("SMP_BAD_IMAGE", "no image");
    });
    await assert.rejects(failed, { code: "SMP_BAD_IMAGE" });
    assert.deepEqual(transport.stillOpen, ["a"]);
  });

  it("is replaced after a silence, before the next has its turn", async () => {
    const { pool, transport } = makePool();
    transport.script = afterParameters(() => undefined);
    const failed = assert.rejects(
      pool.use("a", operation("x"), (device) => echo(device, "x")),
      { code: "SMP_TIMEOUT" },
    );
    const next = pool.use("a", operation("y"), async (device) => device.session());
    await time.pass(12_500);
    await failed;
    assert.equal((await next).endedBy, undefined);
    assert.deepEqual(transport.attempts, ["a", "a"]);
    assert.deepEqual(transport.stillOpen, ["a"]);
  });

  it("is replaced when a silence is only the cause of what failed", async () => {
    const { pool, transport } = makePool();
    const failed = pool.use("a", operation("x"), async (device) => {
      await device.session();
      throw new SmpError("SMP_UPLOAD_FAILED", "five tries", { cause: new SmpError("SMP_TIMEOUT", "silence") });
    });
    await assert.rejects(failed, { code: "SMP_UPLOAD_FAILED" });
    assert.deepEqual(transport.stillOpen, []);
  });

  it("is dropped on request, and the next link waits until the old one is closed", async () => {
    const { pool, transport } = makePool();
    const closing = new Gate();
    const work = pool.use("a", operation("reset"), async (device) => {
      const before = await device.session();
      transport.closing = () => closing.passed;
      const dropped = device.drop();
      assert.ok(before.endedBy);
      const after = device.session();
      await time.pass(100);
      assert.deepEqual(transport.attempts, ["a"]);
      closing.open();
      await dropped;
      assert.notEqual(await after, before);
    });
    await work;
    assert.equal(pool.status()[0]!.lastError, undefined);
  });

  it("fails to open within its time with a name for it, and the link that comes later is closed", async () => {
    const { pool, transport } = makePool({ openTimeoutMs: 5_000 });
    const gate = new Gate();
    transport.opening = () => gate.passed;
    const failed = assert.rejects(
      pool.use("a", operation("x"), (device) => device.session()),
      {
        code: "SMP_LINK_OPEN",
        message: "the link to a did not open within 5 s",
        details: { device: "a", timeoutMs: 5_000 },
      },
    );
    await time.pass(5_000);
    await failed;
    gate.open();
    await time.pass(0);
    assert.equal(transport.links.length, 1);
    assert.deepEqual(transport.stillOpen, []);
  });

  it("passes on why a link does not open, and starts afresh the next time", async () => {
    const { pool, transport } = makePool();
    const causes = [new SmpError("SMP_LINK_OPEN", "a is rebooting"), new Error("ENOENT /dev/ttyACM0")];
    transport.opening = async () => {
      const cause = causes.shift();
      if (cause) throw cause;
    };
    const use = () => pool.use("a", operation("x"), (device) => echo(device, "x"));
    await assert.rejects(use(), { code: "SMP_LINK_OPEN", message: "a is rebooting" });
    assert.match(pool.status()[0]!.lastError!.message, /rebooting/);
    await assert.rejects(use(), { code: "SMP_LINK_OPEN", message: "the link to a does not open: ENOENT /dev/ttyACM0" });
    assert.equal(await use(), "x");
  });

  it("cannot be used through a handle whose operation has ended", async () => {
    const { pool, transport } = makePool();
    let kept: DeviceHandle | undefined;
    await pool.use("a", operation("x"), async (device) => {
      kept = device;
      await device.session();
    });
    await assert.rejects(kept!.session(), { code: "SMP_INTERNAL", message: /x on a has ended/ });
    await kept!.drop();
    assert.deepEqual(transport.stillOpen, ["a"]);
  });

  it("of one device is not touched by another's failure", async () => {
    const { pool, transport } = makePool();
    await pool.use("healthy", operation("x"), async (device) => {
      await echo(device, "before");
      const failing = pool.use("sick", operation("x"), async (other) => {
        await other.session();
        transport.link("sick").lose();
        return await echo(other, "x");
      });
      await failing.catch(() => {});
      await assert.rejects(
        pool.use("sick", operation("x"), () => Promise.reject(new Error("crash"))),
        /crash/,
      );
      assert.equal(await echo(device, "after"), "after");
    });
    assert.deepEqual(
      transport.attempts.filter((name) => name === "healthy"),
      ["healthy"],
    );
  });
});
