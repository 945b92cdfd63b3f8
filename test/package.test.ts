/** The tarball as it would be published: what it holds, and that a plain Node-RED installs and runs it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exampleFiles, nodeRedVersion, packageDir, readExample, type FlowNode } from "./node-red";
import { NodeRedProcess } from "./node-red-process";

const MODULE = "@smp-dfu/node-red";
const TYPES = [
  "smp-pool",
  "smp-discover",
  "smp-connect",
  "smp-update",
  "smp-frames-out",
  "smp-frames-in",
  "smp-trace",
  "smp-image-state",
  "smp-upload",
  "smp-test",
  "smp-reset",
  "smp-confirm",
  "smp-request",
  "smp-gateway",
];
const MAX_TARBALL_BYTES = 1_000_000;
const WHOLE_UPDATE = "02 - Whole update with progress and errors.json";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface NodeSet {
  readonly module: string;
  readonly types: readonly string[];
  readonly enabled: boolean;
  readonly err?: unknown;
}

describe("package", function () {
  this.timeout(180_000);
  let folder: string;
  let packed: Packed;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smp-pack-"));
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const out = execFileSync("npm", args, { cwd: packageDir, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    packed = (JSON.parse(out) as Packed[])[0]!;
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  describe("contents", () => {
    const paths = (): string[] => packed.files.map(({ path }) => path);

    it("are only what is needed to run, read and try it", () => {
      const expected =
        /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|examples\/.*\.json|dist\/src\/.*\.(js|d\.ts|bin)|dist\/nodes\/.*\.(js|d\.ts|html|json|svg))$/;
      assert.deepEqual(
        paths().filter((path) => !expected.test(path)),
        [],
      );
      assert.deepEqual(
        paths().filter((path) => /\/test\/|\.test\./.test(path)),
        [],
      );
    });

    it("have the files that users and the Flow Library look for", () => {
      const needed = ["README.md", "LICENSE", "CHANGELOG.md", "dist/src/index.js", "dist/src/index.d.ts"];
      for (const type of TYPES) needed.push(`dist/nodes/${type}.js`, `dist/nodes/${type}.html`);
      assert.deepEqual(
        needed.filter((path) => !paths().includes(path)),
        [],
      );
    });

    it(`stay below ${MAX_TARBALL_BYTES / 1e6} MB`, () => {
      assert.ok(packed.size < MAX_TARBALL_BYTES, `${packed.size} bytes`);
    });

    it("tell the same version in package.json and CHANGELOG", () => {
      const { version } = JSON.parse(readFileSync(join(packageDir, "package.json"), "utf8")) as { version: string };
      assert.match(readFileSync(join(packageDir, "CHANGELOG.md"), "utf8"), new RegExp(`^## ${version}\\b`, "m"));
    });
  });

  describe(`installed into Node-RED ${nodeRedVersion} through its admin API`, () => {
    let nodeRed: NodeRedProcess;

    before(async () => {
      nodeRed = await NodeRedProcess.start();
      const form = new FormData();
      const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"))!;
      form.set("tarball", new Blob([readFileSync(join(folder, tarball))]), tarball);
      const response = await nodeRed.fetch("nodes", { method: "POST", body: form });
      assert.equal(response.status, 200, `${await response.text()}\n${nodeRed.log}`);
    });

    after(async () => {
      await nodeRed?.stop();
    });

    const sets = async (): Promise<NodeSet[]> =>
      (await nodeRed.json<NodeSet[]>("nodes")).filter(({ module }) => module === MODULE);

    it("registers every type, none with an error", async () => {
      const registered = await sets();
      assert.deepEqual(
        registered.map(({ err, enabled }) => [err, enabled]),
        TYPES.map(() => [undefined, true]),
      );
      assert.deepEqual(registered.flatMap(({ types }) => types).toSorted(), TYPES.toSorted());
    });

    it("serves an icon for every node in the palette", async () => {
      const icons = (await nodeRed.json<Record<string, string[]>>("icons"))[MODULE] ?? [];
      const html = await (await nodeRed.fetch("nodes", { headers: { accept: "text/html" } })).text();
      for (const type of TYPES.filter((name) => name !== "smp-pool")) {
        const definition = html.slice(html.search(new RegExp(`registerType\\(\\s*["']${type}["']`)));
        const icon = /icon:\s*["']([^"']+)["']/.exec(definition)?.[1];
        assert.ok(icon && icons.includes(icon), `${type} wants ${icon}; there are ${icons.join(", ")}`);
        const response = await nodeRed.fetch(`icons/${MODULE}/${icon}`);
        assert.match(response.headers.get("content-type") ?? "", /svg/);
        assert.match(await response.text(), /<svg/);
      }
    });

    it("serves the texts of every node", async () => {
      const catalogs = await nodeRed.json<Record<string, object>>("nodes/messages?lng=en-US");
      for (const type of TYPES)
        assert.ok(Object.keys(catalogs[`${MODULE}/${type}`] ?? {}).length > 0, `${type} has no texts`);
    });

    it("serves help for every node", async () => {
      const html = await (
        await nodeRed.fetch("nodes", { headers: { accept: "text/html", "accept-language": "en-US" } })
      ).text();
      for (const type of TYPES) assert.match(html, new RegExp(`data-help-name=["']${type}["']`));
    });

    it("lists the examples, each as the file is", async () => {
      for (const file of exampleFiles) {
        const path = `library/examples/flows/${MODULE}/${encodeURIComponent(file.replace(/\.json$/, ""))}`;
        assert.deepEqual(await nodeRed.json(path), readExample(file));
      }
    });

    for (const file of exampleFiles) {
      it(`deploys example ${file} without an error`, async () => {
        const since = nodeRed.log.length;
        const response = await nodeRed.deploy(readExample(file));
        assert.equal(response.status, 204);
        await nodeRed.logged(/Started flows/, since);
        assert.doesNotMatch(nodeRed.log.slice(since), /\[(error|warn)\]|missing|unknown/i);
      });
    }

    it("updates a virtual device when the button of example 02 is pressed", async () => {
      const flow: FlowNode[] = readExample(WHOLE_UPDATE);
      for (const node of flow) if (node.type === "debug") node["console"] = true;
      const since = nodeRed.log.length;
      await nodeRed.deploy(flow);
      await nodeRed.press(flow.find(({ name }) => name === "update to 1.5.0")!.id);
      const [, value] = await nodeRed.logged(/\[debug:confirmed\] (.*)/, since);
      assert.equal(value, "sensor-1 runs 1.5.0, confirmed");
    });

    it("is removed again through the admin API", async () => {
      await nodeRed.deploy([]);
      const response = await nodeRed.fetch(`nodes/${MODULE}`, { method: "DELETE" });
      assert.equal(response.status, 204);
      assert.deepEqual(await sets(), []);
    });

    it("lets Node-RED end cleanly", async () => {
      assert.deepEqual(await nodeRed.stop(), { code: 0, signal: null });
    });
  });
});
