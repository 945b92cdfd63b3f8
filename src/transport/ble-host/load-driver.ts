import { SmpError } from "../../errors";
import { loadAbandonware } from "./abandonware";
import { explainLoad, explainNoDriver } from "./explain";
import type { HostSettings } from "./messages";
import type { Driver } from "./noble";
import { loadStoprocent } from "./stoprocent";

const LOADERS = {
  abandonware: { packageName: "@abandonware/noble", load: loadAbandonware },
  stoprocent: { packageName: "@stoprocent/noble", load: loadStoprocent },
} as const;

/** The driver that the settings name; "auto" takes the first that loads. @throws SMP_LINK_OPEN saying what is missing */
export function loadDriver(settings: HostSettings): Driver {
  const candidates = settings.driver === "auto" ? (["abandonware", "stoprocent"] as const) : [settings.driver];
  const problems: SmpError[] = [];
  for (const candidate of candidates) {
    const { packageName, load } = LOADERS[candidate];
    try {
      return load(settings);
    } catch (error) {
      problems.push(explainLoad(packageName, error));
    }
  }
  throw explainNoDriver(problems);
}
