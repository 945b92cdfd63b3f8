// Looks at the messages that really pass between the nodes of a running flow.

/** What each output of a node means, first output first. */
const OUTPUTS = {
  "smp-connect": ["result", "error"],
  "smp-image-state": ["result", "current", "error"],
  "smp-upload": ["result", "progress", "error"],
  "smp-test": ["result", "error"],
  "smp-reset": ["result", "progress", "error"],
  "smp-confirm": ["result", "error"],
  catch: ["error"],
};

/**
 * Calls `seen` for each message that leaves a node of this package, or a catch node, once however many wires it takes.
 * @param {(event: { step: string, output: "result"|"current"|"progress"|"error", msg: any }) => void} seen
 */
function watchFlow(RED, seen) {
  RED.hooks.add("onSend.smp-demo", (sends) => {
    const told = new Set();
    for (const { msg, source } of sends) {
      const output = OUTPUTS[source.node.type]?.[source.port];
      if (output === undefined || told.has(`${source.id} ${source.port}`)) continue;
      told.add(`${source.id} ${source.port}`);
      const { type } = source.node.type === "catch" ? msg.error.source : source.node;
      seen({ step: type.slice("smp-".length).replace("-", " "), output, msg });
    }
  });
}

/**
 * Presses a button of the flow and waits for the end of the update.
 * @param {(event: object) => void} seen gets every event on the way, the last one included
 * @returns {Promise<{ device: string, from: string, to: string, current: boolean, elapsedMs: number }>}
 * @throws the error that came out of an error output or a catch node: `message`, `code`, `hint`, `step`; or a plain one after `withinMs`
 */
export function runUpdate(RED, buttonId, withinMs, seen) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const tooLate = setTimeout(() => reject(new Error(`the update did not end within ${withinMs / 1000} s`)), withinMs);
    let from;
    watchFlow(RED, (event) => {
      seen(event);
      if (event.step === "image state") from ??= running(event.msg)?.version;
      if (!isLast(event)) return;
      clearTimeout(tooLate);
      const error = failure(event);
      if (error) return reject(error);
      resolve({
        device: event.msg.smp.device,
        from,
        to: running(event.msg).version,
        current: event.output === "current",
        elapsedMs: performance.now() - begin,
      });
    });
    RED.nodes.getNode(buttonId).receive({});
  });
}

function isLast({ step, output }) {
  return output === "error" || output === "current" || (output === "result" && step === "confirm");
}

function failure({ step, output, msg }) {
  if (output === "error") return Object.assign(new Error(msg.smp.error.message), msg.smp.error, { step });
  const confirmed = running(msg)?.confirmed === true;
  return confirmed ? undefined : new Error("confirm ended, but the device does not run a confirmed image");
}

function running({ payload }) {
  return Array.isArray(payload) ? payload.find(({ active }) => active) : undefined;
}
