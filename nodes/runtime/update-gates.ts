/** The gates of an update node at which devices wait for an answer of the flow. */
import { abortReason, SmpError, type Gate, type GateQuestion } from "../../src/index";
import { mismatch } from "./checks";
import { recordOf, type FlowMessage } from "./red";

interface WaitingGate {
  readonly pool: string;
  readonly device: string;
  readonly answer: (passed: boolean) => void;
}

export class UpdateGates {
  readonly #waiting = new Set<WaitingGate>();

  /** A gate that asks by `emit`, and has its answer from {@link answer}. */
  gate(pool: string, emit: (question: GateQuestion) => void): Gate["ask"] {
    return (question, signal) =>
      new Promise<boolean>((resolve, reject) => {
        const leave = (): void => {
          this.#waiting.delete(entry);
          signal.removeEventListener("abort", giveUp);
        };
        const giveUp = (): void => {
          leave();
          reject(abortReason(signal));
        };
        const answer = (passed: boolean): void => {
          leave();
          resolve(passed);
        };
        const entry = { pool, device: question.device, answer };
        this.#waiting.add(entry);
        signal.addEventListener("abort", giveUp, { once: true });
        emit(question);
      });
  }

  /**
   * Takes the answer in `msg.smp.gate` to the device of the message, or to all that wait when it names none.
   * @throws SMP_BAD_INPUT when it is no answer, or nobody waits for it
   */
  answer(msg: FlowMessage): void {
    const { gate, device, pool } = recordOf(msg.smp);
    if (typeof gate !== "boolean") {
      throw mismatch({ name: "msg.smp.gate", code: "SMP_BAD_INPUT" }, "true to confirm or false to revert", gate);
    }
    const meant = [...this.#waiting].filter(
      (each) => (device === undefined || each.device === device) && (pool === undefined || each.pool === pool),
    );
    if (meant.length === 0) {
      const whose = typeof device === "string" ? device : "any device";
      throw new SmpError("SMP_BAD_INPUT", `no update of ${whose} waits for an answer at its gate`, {
        field: "msg.smp.gate",
        hint: "The answer came too late, twice, or for another device: see the deadline of the gate.",
      });
    }
    for (const each of meant) each.answer(gate);
  }
}

/** Whether a message is an answer to a gate, and no update to be made. */
export function isGateAnswer(msg: FlowMessage): boolean {
  return recordOf(msg.smp)["gate"] !== undefined;
}
