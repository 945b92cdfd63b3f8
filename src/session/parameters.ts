import { DeviceError, hasCode, SmpError } from "../errors";
import type { Command } from "../smp/command";
import { image, os } from "../smp/commands";
import type { Body, Shape } from "../smp/shape";
import type { SmpSession } from "./types";

/** CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE of Zephyr, to be assumed where the device does not tell. */
export const DEFAULT_BUF_BYTES = 384;
/** Less than this holds no upload's first chunk: who says so has another meaning in mind. */
const SMALLEST_BUF_BYTES = 64;

/** Tries of what shows whether the device is there at all; one that is there is asked more often. */
const FIRST_ATTEMPTS = 3;

export type Parameters = NonNullable<SmpSession["parameters"]>;
/** Sends a request without arguments. */
type Ask = <Res extends Shape>(
  row: Command<typeof os.parameters.request, Res>,
  attempts?: number,
) => Promise<Body<Res>>;

/**
 * Asks a device for its buffers, and so finds out whether it answers at all. The command is not built in by default, so
 * every refusal means "unknown". Silence may mean a server without the OS group: the image list, without which there
 * is nothing to update, is asked next. Before the device counts as mute, it is asked once more: it may have been erasing for
 * a client that is gone.
 * @throws SMP_TIMEOUT when the link is open but neither is answered; SMP_LINK_LOST, or the signal's reason
 */
export async function readParameters(label: string, signal: AbortSignal, ask: Ask): Promise<Parameters | undefined> {
  const askParameters = () => orSilence(ask(os.parameters, FIRST_ATTEMPTS), signal);
  const first = await askParameters();
  if (!(first instanceof SmpError)) return first && plausible(first);
  const list = await orSilence(ask(image.readState, 1), signal);
  if (!(list instanceof SmpError)) return undefined;
  const again = await askParameters();
  if (!(again instanceof SmpError)) return again && plausible(again);
  const said = `the link to ${label} is open, but no SMP answer came, neither to os.parameters nor to image.readState`;
  throw new SmpError("SMP_TIMEOUT", `${said}: ${list.message}`, { ...list.details, cause: list });
}

/** The answer, undefined for a refusal, or the error of a silence. */
async function orSilence<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | SmpError | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isAnswer(error)) return undefined;
    if (signal.aborted || !hasCode(error, "SMP_TIMEOUT")) throw error;
    return error;
  }
}

function plausible({ buf_size: bufSize, buf_count: bufCount }: Body<typeof os.parameters.response>) {
  return bufSize >= SMALLEST_BUF_BYTES && bufCount >= 1 ? { bufSize, bufCount } : undefined;
}

function isAnswer(error: unknown): boolean {
  return error instanceof DeviceError || hasCode(error, "SMP_BAD_RESPONSE");
}
