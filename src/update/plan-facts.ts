/** Reads all that a plan has to know of a device. */
import type { SmpSession } from "../session/types";
import { readHardware } from "./device-facts";
import type { PlanFacts } from "./plan-types";
import { isInRecovery } from "./recovery";
import { requestStateList, toImageState } from "./state";

/** @throws as `SmpSession.request` */
export async function readPlanFacts(session: SmpSession, signal?: AbortSignal): Promise<PlanFacts> {
  const list = await requestStateList(session, { signal });
  const inRecovery = await isInRecovery(session, list, signal);
  return { images: toImageState(list), inRecovery, ...(await readHardware(session, signal)) };
}
