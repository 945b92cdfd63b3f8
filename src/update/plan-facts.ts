/** Reads all that a plan has to know of a device. */
import type { SmpSession } from "../session/types";
import { readHardware } from "./device-facts";
import type { PlanFacts } from "./plan-types";
import { standpoint } from "./recovery";
import { requestStateList } from "./state";

/** @throws as `SmpSession.request` */
export async function readPlanFacts(session: SmpSession, signal?: AbortSignal): Promise<PlanFacts> {
  const list = await requestStateList(session, { signal });
  return { ...(await standpoint(session, list, signal)), ...(await readHardware(session, signal)) };
}
