// What the update looks like in a terminal: one line per step, and a bar while the work takes time.
const BAR_CELLS = 30;
const LINE_EVERY_PERCENT = 25;

/** @param {NodeJS.WriteStream} out */
export function terminalView(out) {
  let told;
  const line = (step, text) => out.write(`${out.isTTY ? "\r\x1b[K" : ""}  ${step.padEnd(13)}${text}\n`);
  const bar = (step, text) => out.write(`\r\x1b[K${`  ${step.padEnd(13)}${text}`.slice(0, out.columns ?? 80)}`);
  return ({ step, output, msg }) => {
    if (output !== "progress") {
      told = undefined;
      line(step, output === "error" ? `failed: ${msg.smp.error.code}` : summary(step, msg));
    } else if (out.isTTY) {
      bar(step, msg.smp.len > 0 ? `${drawn(msg.payload)} ${detail(msg)}` : detail(msg));
    } else if (isWorthALine(msg, told)) {
      told = msg;
      line(step, detail(msg));
    }
  };
}

function isWorthALine({ payload, smp }, told) {
  if (told === undefined || told.smp.phase !== smp.phase) return true;
  return smp.len > 0 && payload >= told.payload + LINE_EVERY_PERCENT;
}

function drawn(percent) {
  const full = Math.round((percent / 100) * BAR_CELLS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}]`;
}

function detail({ payload, smp }) {
  if (!(smp.len > 0)) return smp.phase;
  const parts = [`${String(payload).padStart(3)} %`, smp.phase, `${kilobytes(smp.off)} of ${kilobytes(smp.len)} KB`];
  if (smp.bytesPerSecond > 0) parts.push(`${kilobytes(smp.bytesPerSecond)} KB/s`);
  if (smp.etaMs > 0) parts.push(`${seconds(smp.etaMs)} left`);
  return parts.join("  ");
}

function summary(step, { payload, smp }) {
  switch (step) {
    case "connect":
      return `${smp.device} on a ${payload.link} link, frames of up to ${payload.maxFrameBytes} bytes`;
    case "upload":
      return `${payload.outcome}: ${kilobytes(payload.sentBytes)} KB sent in ${seconds(payload.elapsedMs)}`;
    case "reset":
      return `${slots(payload)}; away for ${seconds(smp.reset.absentMs)}`;
    default:
      return slots(payload);
  }
}

function slots(images) {
  const flags = ["active", "confirmed", "pending", "permanent"];
  return images
    .map((slot) => [`slot ${slot.slot}: ${slot.version}`, ...flags.filter((flag) => slot[flag])].join(" "))
    .join(", ");
}

function kilobytes(bytes) {
  return Math.round(bytes / 1000);
}

/** "11.2 s" */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
