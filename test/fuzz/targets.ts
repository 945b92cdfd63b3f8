import type { Target } from "./target";
import { FRAMING_TARGETS } from "./targets/framing";
import { IMAGE_TARGETS } from "./targets/image";
import { MESSAGE_TARGETS } from "./targets/messages";
import { PEER_TARGETS } from "./targets/peers";
import { SMP_TARGETS } from "./targets/smp";

export const TARGETS: readonly Target[] = [
  ...SMP_TARGETS,
  ...FRAMING_TARGETS,
  ...IMAGE_TARGETS,
  ...MESSAGE_TARGETS,
  ...PEER_TARGETS,
];
