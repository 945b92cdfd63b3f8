import assert from "node:assert/strict";
import { AllowList } from "../../src/gateway/allow-list";
import { COMMANDS } from "../../src/smp/commands";

const allowed = (list: AllowList): string[] => COMMANDS.filter((row) => list.allows(row)).map(({ name }) => name);

describe("a gateway's list of allowed commands", () => {
  it("has what an update needs by default, and nothing of files, settings and shell", () => {
    const names = new Set(allowed(new AllowList()));
    const expected = [
      "os.echo",
      "os.consoleEcho",
      "os.reset",
      "os.parameters",
      "os.info",
      "os.bootloaderInfo",
      ...COMMANDS.filter(({ name }) => name.startsWith("image.")).map(({ name }) => name),
    ];
    assert.deepEqual(names, new Set(expected));
  });

  it("takes groups and commands by name and by number", () => {
    assert.deepEqual(allowed(new AllowList("os.echo")), allowed(new AllowList("0.0")));
    assert.deepEqual(allowed(new AllowList("image, os.reset")), allowed(new AllowList("1\n0.5")));
    assert.ok(new AllowList("64.3").allows({ op: "write", group: 64, id: 3 }));
    assert.ok(!new AllowList("64.3").allows({ op: "write", group: 64, id: 4 }));
  });

  it("tells reading from writing", () => {
    const list = new AllowList("image:read, fs.1:read");
    assert.ok(list.allows({ op: "read", group: 1, id: 0 }));
    assert.ok(!list.allows({ op: "write", group: 1, id: 0 }));
    assert.ok(!list.allows({ op: "write", group: 8, id: 1 }));
    assert.ok(
      allowed(new AllowList("*:read")).every((name) => COMMANDS.some((row) => row.name === name && row.op === "read")),
    );
  });

  it("takes a name of the table as that command alone", () => {
    const list = new AllowList("image.readState");
    assert.ok(list.allows({ op: "read", group: 1, id: 0 }));
    assert.ok(!list.allows({ op: "write", group: 1, id: 0 }), "not as writeState, which has the same number");
  });

  it("allows everything with a star, and nothing when it is empty", () => {
    assert.equal(allowed(new AllowList("*")).length, COMMANDS.length);
    assert.deepEqual(allowed(new AllowList("")), []);
  });

  for (const rule of ["files", "os.nothing", "os.echo:read", "os.1.2", "image:all", "*.1", "-1"]) {
    it(`refuses the rule "${rule}" and names it`, () => {
      assert.throws(
        () => new AllowList(`os.echo, ${rule}`),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "SMP_BAD_SETTING");
          return error.message.includes(`"${rule}"`);
        },
      );
    });
  }
});
