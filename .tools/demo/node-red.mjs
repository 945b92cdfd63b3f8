// A Node-RED of its own inside this process: this package, a flow, a fresh user directory, one local address.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("../..", import.meta.url));
const STARTED_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 10_000;

/**
 * @param {{ flow: object[], port: number }} options `port` is taken when it is free, otherwise any other
 * @returns {Promise<{ RED: any, url: string, stop: () => Promise<void> }>}
 */
export async function startNodeRed({ flow, port }) {
  const RED = createRequire(import.meta.url)(process.env.NODE_RED_PATH ?? "node-red");
  const userDir = mkdtempSync(join(tmpdir(), "smp-dfu-node-red-"));
  writeFileSync(join(userDir, "flows.json"), JSON.stringify(flow));
  const server = createServer((request, response) =>
    RED.httpAdmin(request, response, () => RED.httpNode(request, response)),
  );
  const stop = async () => {
    server.closeAllConnections();
    await Promise.race([RED.stop().catch(() => {}), later(STOPPED_WITHIN_MS)]);
    server.close();
    rmSync(userDir, { recursive: true, force: true });
  };
  try {
    RED.init(server, settings(userDir));
    const started = flowStarted(RED);
    await RED.start();
    await started;
    const url = await listen(server, port);
    return { RED, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function settings(userDir) {
  return {
    userDir,
    nodesDir: packageDir,
    flowFile: "flows.json",
    credentialSecret: false,
    httpAdminRoot: "/",
    httpNodeRoot: "/",
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, palette: { catalogues: [] }, page: { title: "SMP firmware update" } },
    logging: { console: { level: "error", metrics: false, audit: false } },
  };
}

function flowStarted(RED) {
  return new Promise((resolve, reject) => {
    const tooLate = setTimeout(
      () => reject(new Error(`Node-RED did not start the flow within ${STARTED_WITHIN_MS / 1000} s`)),
      STARTED_WITHIN_MS,
    );
    RED.events.once("flows:started", () => {
      clearTimeout(tooLate);
      resolve();
    });
    RED.events.on("runtime-event", ({ id, payload }) => {
      if (id !== "runtime-state" || payload?.error !== "missing-types") return;
      clearTimeout(tooLate);
      reject(new Error(`Node-RED did not load the nodes ${payload.types.join(", ")}; see its log above`));
    });
  });
}

/** Listens on 127.0.0.1 and tells the address. */
async function listen(server, port) {
  try {
    await listening(server, port);
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    await listening(server, 0);
  }
  return `http://127.0.0.1:${server.address().port}`;
}

function listening(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
