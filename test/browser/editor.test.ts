/** The real editor in Chromium: what a user sees in palette, dialogs and workspace. Needs Debian's chromium. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { nodeRedVersion, packageDir } from "../node-red";
import { NodeRedProcess } from "../node-red-process";

const STEPS = ["smp-connect", "smp-image-state", "smp-upload", "smp-test", "smp-reset", "smp-confirm"];
const EXAMPLE = "02 - Whole update with progress and errors";
const SHOWN_WITHIN_MS = 30_000;
/** The pool of the example, as the editor holds it. */
const POOL = 'RED.nodes.node("smp-ex2-pool")';

describe(`editor of Node-RED ${nodeRedVersion}`, function () {
  this.timeout(120_000);
  let nodeRed: NodeRedProcess;
  let browser: Browser;
  let page: Page;
  /** Errors and warnings of the browser's console, failed requests, and requests to other hosts. */
  const complaints: string[] = [];

  before(async () => {
    nodeRed = await NodeRedProcess.start({ nodesDir: packageDir });
    browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    page = await browser.newPage({ viewport: { width: 1680, height: 900 } });
    page.setDefaultTimeout(SHOWN_WITHIN_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(nodeRed.url) && !/^(data|blob|ws):/.test(url)) complaints.push(`foreign request: ${url}`);
    });
    await page.goto(nodeRed.url);
    await page.locator("#red-ui-palette .red-ui-palette-node").first().waitFor();
  });

  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });

  afterEach(() => assert.deepEqual(complaints.splice(0), [], "the browser complains"));

  it("shows the steps in the palette, with label and icon", async () => {
    for (const type of ["smp-discover", ...STEPS]) {
      const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
      await entry.waitFor();
      assert.match((await entry.locator(".red-ui-palette-label").textContent()) ?? "", /^[a-z ]+$/);
      const icon = await entry.locator(".red-ui-palette-icon").evaluate((it) => getComputedStyle(it).backgroundImage);
      assert.match(icon, new RegExp(`${type}\\.svg`));
    }
  });

  it("imports example 02 from the menu as a flow of its own", async () => {
    await importExample(EXAMPLE);
    await page.locator("#red-ui-workspace-tabs").getByText("SMP 02 whole update").click();
    await node("upload").waitFor();
  });

  it("deploys it with no node marked as invalid", async () => {
    assert.equal(await page.locator(".red-ui-flow-node-error:not(.hide)").count(), 0);
    const since = nodeRed.log.length;
    await page.locator("#red-ui-header-button-deploy").click();
    await nodeRed.logged(/Started (modified )?(flows|nodes)/, since);
  });

  it("runs it at the press of its button, and the nodes show how it ended", async () => {
    await node("start").locator(".red-ui-flow-node-button-button").click();
    await node("result").getByText("sensor-1 runs 1.5.0, confirmed").waitFor();
    for (const step of ["connect", "state", "upload", "test", "reset", "confirm"]) {
      const status = await node(step).locator(".red-ui-flow-node-status-label").textContent();
      assert.ok(status, `${step} shows a status`);
    }
    mkdirSync(join(packageDir, ".cache"), { recursive: true });
    await page.waitForFunction("!document.querySelector('.red-ui-notification')");
    await page.evaluate("document.querySelector('#red-ui-workspace-chart').scrollTo(0, 0)");
    await page.screenshot({ path: join(packageDir, `.cache/editor-${nodeRedVersion}.png`) });
  });

  for (const type of STEPS) {
    it(`opens the dialog of ${type}, with every field labelled`, async () => {
      await openDialog(type);
      const rows = await page.locator(".red-ui-tray #dialog-form .form-row:visible").all();
      assert.ok(rows.length > 0);
      for (const row of rows) assert.ok(((await row.textContent()) ?? "").trim().length > 0, "a row without a text");
      assert.doesNotMatch(await page.locator(".red-ui-tray #dialog-form").innerText(), /smp-[a-z-]+\.[a-z]+/);
      await closeDialog();
    });
  }

  it("opens the dialog of the pool, with every field labelled", async () => {
    await openDialog("smp-connect");
    await page.locator("#node-input-btn-pool-edit").click();
    await page.locator("#node-config-input-maxSessions").waitFor();
    const text = await page.locator("#node-config-dialog-edit-form").innerText();
    assert.match(text, /sensor-1|Devices/i);
    assert.doesNotMatch(text, /smp-pool\.[a-z]+/);
    assert.ok(await page.locator("#node-config-input-slotKiB").isVisible());
    await page.locator("#node-config-input-link").selectOption("udp");
    assert.ok(await page.locator("#node-config-input-udpPort").isVisible(), "the rows of the chosen link");
    assert.ok(await page.locator("#node-config-input-slotKiB").isHidden(), "and no others");
    assert.doesNotMatch(await page.locator("#node-config-dialog-edit-form").innerText(), /smp-pool\.[a-z]+/);
    await page.locator("#node-config-dialog-cancel").click();
    await closeDialog();
  });

  it("shows the devices of a pool for the Scan button, and takes the one that is chosen with the keyboard", async () => {
    await openDialog("smp-connect");
    await page.evaluate(`${POOL}.devices = ["door", "roof"].map((name) => ({ name, trial: "healthy" }))`);
    await page.locator("#smp-connect-scan").press("Enter");
    const list = page.locator("#smp-connect-found");
    await list.waitFor();
    assert.deepEqual(await list.locator("option").allTextContents(), ["door", "roof"]);
    await list.focus();
    await list.press("End");
    await page.waitForFunction(`document.querySelector("#node-input-device").value === "roof"`);
    assert.equal(await page.locator("#node-input-deviceType").inputValue(), "str");
    await page.screenshot({ path: join(packageDir, `.cache/scan-${nodeRedVersion}.png`) });
    await closeDialog();
  });

  it("says in words why a scan finds nothing", async () => {
    await openDialog("smp-connect");
    await page.evaluate(`${POOL}.devices = []`);
    await page.locator("#smp-connect-scan").click();
    await page.locator("#smp-connect-scan-status").getByText("Nothing was found.").waitFor();
    await page.evaluate(`${POOL}.devices = [{ name: "" }]`);
    await page.locator("#smp-connect-scan").click();
    await page
      .locator("#smp-connect-scan-status")
      .getByText(/name must be a text that is not empty/)
      .waitFor();
    assert.ok(await page.locator("#smp-connect-found").isHidden());
    const expected = complaints.splice(0);
    assert.ok(expected.length > 0 && expected.every((text) => text.includes("400")), expected.join("\n"));
    await closeDialog();
  });

  it("offers no scan over UDP", async () => {
    await openDialog("smp-connect");
    assert.ok(await page.locator("#smp-connect-scan").isVisible());
    await closeDialog();
    await page.evaluate(`${POOL}.link = "udp"`);
    await openDialog("smp-connect");
    assert.ok(await page.locator("#smp-connect-scan").isHidden());
    await closeDialog();
    await page.evaluate(`${POOL}.link = "virtual"`);
  });

  it("says what is wrong with a field, beside the field", async () => {
    await openDialog("smp-upload");
    const field = page.locator("#node-input-window");
    await field.fill("99");
    await field.blur();
    await page.locator("#node-input-window.input-error").waitFor();
    await field.hover();
    const message = page.locator(".red-ui-popover").filter({ hasText: /1.*8/ });
    await message.waitFor();
    await closeDialog();
  });

  it("imports example 05 and opens the dialog of smp-discover, with every field labelled", async () => {
    await importExample("05 - Discover devices");
    await page.locator("#red-ui-workspace-tabs").getByText("SMP 05 discover devices").waitFor();
    await checkDialog("smp-discover");
  });

  it("imports example 10, and the dialog of smp-request says what each command takes", async () => {
    await importExample("10 - Any SMP command");
    await page.locator("#red-ui-workspace-tabs").getByText("SMP 10 any command").waitFor();
    await openDialog("smp-request");
    const form = page.locator(".red-ui-tray #dialog-form");
    assert.match(await page.locator("#smp-request-takes").innerText(), /^format: text \(.+\)$/);
    assert.ok(await page.locator("#node-input-group").isHidden());
    const choose = (command: string): Promise<unknown> =>
      page.evaluate(`$("#node-input-command").typedInput("value", "${command}")`);
    await choose("settings.write");
    assert.equal(await page.locator("#smp-request-takes").innerText(), "name: text, val: a byte string");
    assert.equal(await page.locator("#node-input-request").inputValue(), '{"name":"","val":{"$bytes":""}}');
    await choose("raw");
    for (const field of ["op", "group", "commandId", "repeat"])
      assert.ok(await page.locator(`#node-input-${field}`).isVisible(), field);
    for (const row of await form.locator(".form-row:visible").all())
      assert.notEqual((await row.innerText()).trim(), "");
    assert.doesNotMatch(await form.innerText(), /smp-[a-z-]+\.[a-z]+/);
    assert.equal(await page.locator(".red-ui-tray .input-error").count(), 0);
    await page.screenshot({ path: join(packageDir, `.cache/request-${nodeRedVersion}.png`) });
    await closeDialog();
  });

  for (const [example, types] of [
    ["06 - Steering and gateway, joined by links", ["smp-frames-out", "smp-frames-in", "smp-gateway"]],
    ["09 - Update many devices", ["smp-update"]],
  ] as const)
    it(`imports example ${example.slice(0, 2)} and opens the dialogs of ${types.join(", ")}, with every field labelled`, async () => {
      const before = await page.locator("#red-ui-workspace-tabs li").count();
      await importExample(example);
      await page.waitForFunction(`document.querySelectorAll("#red-ui-workspace-tabs li").length > ${before}`);
      for (const type of types) await checkDialog(type);
    });

  it("keeps a setting that is an environment variable, though its list does not offer it", async () => {
    await page.evaluate(`RED.nodes.filterNodes({ type: "smp-update" })[0].goal = "\${GOAL}"`);
    await openDialog("smp-update");
    assert.equal(await page.locator("#node-input-goal").inputValue(), "${GOAL}");
    await closeDialog();
  });

  it("opens the dialog of smp-trace, with every field labelled", async () => {
    await page.evaluate(
      `RED.view.importNodes([{ id: "smp-trace-1", type: "smp-trace", pool: "smp-ex2-pool", maxPerSecond: 100, x: 100, y: 400, wires: [[]] }], { addFlow: true })`,
    );
    await page.waitForFunction(`RED.nodes.filterNodes({ type: "smp-trace" }).length > 0`);
    await checkDialog("smp-trace");
  });

  async function checkDialog(type: string): Promise<void> {
    await openDialog(type);
    const form = page.locator(".red-ui-tray #dialog-form");
    for (const row of await form.locator(".form-row:visible").all())
      assert.notEqual((await row.innerText()).trim(), "", `${type} has a row without a text`);
    assert.doesNotMatch(await form.innerText(), /smp-[a-z-]+\.[a-z]+/);
    assert.equal(await page.locator(".red-ui-tray .input-error").count(), 0);
    await page.screenshot({ path: join(packageDir, `.cache/${type}-${nodeRedVersion}.png`) });
    await closeDialog();
  }

  /** A node of the example in the workspace, by the end of its id. */
  function node(name: string): Locator {
    return page.locator(`#smp-ex2-${name}`);
  }

  async function importExample(name: string): Promise<void> {
    await page.evaluate("RED.actions.invoke('core:show-import-dialog')");
    await page.locator("#red-ui-clipboard-dialog-import-tabs").getByText("Examples").click();
    const dialog = page.locator(".ui-dialog:visible");
    await dialog.getByText("@smp-dfu/node-red").click();
    await dialog.getByText(name).click();
    await dialog.locator("#red-ui-clipboard-dialog-ok").click();
  }

  async function openDialog(type: string): Promise<void> {
    await page.evaluate(`RED.editor.edit(RED.nodes.filterNodes({ type: "${type}" })[0])`);
    await page.locator("#node-dialog-cancel").waitFor();
    // The editor focuses the first field once the dialog has slid in; a key pressed before would go there.
    await page.waitForFunction("document.querySelector('.red-ui-tray')?.contains(document.activeElement)");
  }

  async function closeDialog(): Promise<void> {
    await page.locator("#node-dialog-cancel").click();
    await page.locator(".red-ui-tray").waitFor({ state: "detached" });
  }
});
