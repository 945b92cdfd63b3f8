import type { Target } from "./target";
import { ASSEMBLY_TARGETS, FRAMING_TARGETS } from "./targets/framing";
import { JOB_TARGETS } from "./targets/jobs";
import { IMAGE_TARGETS } from "./targets/image";
import { MESSAGE_TARGETS } from "./targets/messages";
import { PACKAGE_TARGETS } from "./targets/packages";
import { PEER_TARGETS } from "./targets/peers";
import { SMP_TARGETS } from "./targets/smp";

export const TARGETS: readonly Target[] = [
  ...SMP_TARGETS,
  ...FRAMING_TARGETS,
  ...ASSEMBLY_TARGETS,
  ...IMAGE_TARGETS,
  ...PACKAGE_TARGETS,
  ...MESSAGE_TARGETS,
  ...JOB_TARGETS,
  ...PEER_TARGETS,
];
