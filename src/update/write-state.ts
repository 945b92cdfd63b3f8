/** Marks an image for test or confirms it, and proves it by the list that comes back. */
import { throwIfAborted } from "../clock";
import type { DeviceHandle } from "../session/types";
import { image as imageGroup } from "../smp/commands";
import { isUnanswered } from "./failure";
import { readImageState, toImageState } from "./state";
import type { ImageState } from "./types";

/** The request is not repeated blindly: a second one may be refused, or meet another image after a reboot. */
const ATTEMPTS = 3;

export interface StateChange {
  /** The request that the state as it is now calls for; without `hash` the running image is meant. */
  readonly request: (state: ImageState) => { readonly hash?: string; readonly confirm: boolean };
  /**
   * Whether the state shows it already.
   * @throws when it shows that the change is not possible, or not wanted any more
   */
  readonly isDone: (state: ImageState) => boolean;
}

/**
 * Looks at the state, changes it, and looks again when no answer came.
 * @returns the state as it is then; whether it is done is for the caller to judge
 * @throws what `isDone` throws, and as `SmpSession.request`
 */
export async function changeImageState(
  device: DeviceHandle,
  change: StateChange,
  signal: AbortSignal | undefined,
): Promise<ImageState> {
  for (let attempt = 1; ; attempt++) {
    const state = await readImageState(await device.session(signal), signal);
    if (change.isDone(state)) return state;
    const { hash, confirm } = change.request(state);
    const body = { ...(hash !== undefined && { hash: Buffer.from(hash, "hex") }), confirm };
    try {
      const session = await device.session(signal);
      return toImageState(await session.request(imageGroup.writeState, body, { signal }));
    } catch (error) {
      throwIfAborted(signal);
      if (!isUnanswered(error)) throw error;
      if (attempt < ATTEMPTS) continue;
      const last = await readImageState(await device.session(signal), signal);
      if (change.isDone(last)) return last;
      throw error;
    }
  }
}
