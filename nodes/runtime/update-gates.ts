/** The gates of an update node at which devices wait for an answer of the flow. */
import { abortReason, SmpError, type Gate, type GateQuestion } from "../../src/index";
import { mismatch } from "./checks";
import { recordOf, type FlowMessage } from "./red";

interface WaitingGate {
  readonly id: string;
  readonly pool: string;
  readonly device: string;
  readonly answer: (passed: boolean) => void;
}

export class UpdateGates {
  readonly #waiting = new Set<WaitingGate>();
  /** A restart begins anew, and answers to questions of before may still come. */
  readonly #startedAt = Date.now().toString(36);
  #asked = 0;

  /** A gate that asks by `emit`, with an id of this question alone, and has its answer from {@link answer}. */
  gate(pool: string, emit: (question: GateQuestion, gateId: string) => void): Gate["ask"] {
    return (question, signal) =>
      new Promise<boolean>((resolve, reject) => {
        const id = `${this.#startedAt}-${++this.#asked}`;
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
        const entry = { id, pool, device: question.device, answer };
        this.#waiting.add(entry);
        signal.addEventListener("abort", giveUp, { once: true });
        emit(question, id);
      });
  }

  /**
   * Takes the answer in `msg.smp.gate` to the device of the message, or to all that wait when it names none. With the question's
   * `gateId` it is for that question alone: the answer of an earlier trial says nothing about this one.
   * @throws SMP_BAD_INPUT when it is no answer, or nobody waits for it
   */
  answer(msg: FlowMessage): void {
    const { gate, gateId, device, pool } = recordOf(msg.smp);
    if (typeof gate !== "boolean") {
      throw mismatch({ name: "msg.smp.gate", code: "SMP_BAD_INPUT" }, "true to confirm or false to revert", gate);
    }
    const named = { id: gateId, device, pool };
    const meant = [...this.#waiting].filter((each) =>
      (["id", "device", "pool"] as const).every((key) => named[key] === undefined || named[key] === each[key]),
    );
    if (meant.length === 0) {
      const whose = typeof device === "string" ? device : "any device";
      throw new SmpError("SMP_BAD_INPUT", `no update of ${whose} waits for an answer at its gate`, {
        field: "msg.smp.gate",
        hint: "The answer came too late, twice, or for another device or trial: see the deadline of the gate.",
      });
    }
    for (const each of meant) each.answer(gate);
  }
}

/** Whether a message is an answer to a gate, and no update to be made. */
export function isGateAnswer(msg: FlowMessage): boolean {
  return recordOf(msg.smp)["gate"] !== undefined;
}
