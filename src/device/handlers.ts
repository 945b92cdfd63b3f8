/** Which commands a build of the virtual device's SMP server answers, and how. */
import { hasCode } from "../errors";
import type { Command } from "../smp/command";
import { type CborMap, decodeBody } from "../smp/message";
import { type Body, parseShape, type Shape, ShapeError } from "../smp/shape";

/** One request while it is served. */
export interface Call {
  /** Adds to the time that passes before the answer is sent. */
  spend(ms: number): void;
  /** Runs once the answer is on its way. */
  afterAnswer(work: () => void): void;
}

/**
 * What a handler does with a body: `strict` ones answer rc 3 when it does not decode or has a wrong shape, `lenient`
 * ones take it for an empty map, and `ignored` bodies are not looked at.
 */
export type Decoding = "strict" | "lenient" | "ignored";

export interface Handler {
  readonly decoding: Decoding;
  /** Answers, or throws a Refusal or an ImageRefusal; throws ShapeError when the body has a wrong shape. */
  run(body: CborMap, call: Call): CborMap;
}

export class HandlerTable {
  readonly #handlers = new Map<string, Handler>();

  /** Serves a row of the command table. */
  on<Req extends Shape>(
    row: Pick<Command<Req>, "op" | "group" | "id" | "request" | "name">,
    run: (body: Body<Req>, call: Call) => CborMap,
    decoding: Decoding = "strict",
  ): this {
    this.#handlers.set(key(row.op, row.group, row.id), {
      decoding,
      run: (body, call) => run(parseShape(row.request, body, row.name), call),
    });
    return this;
  }

  find(op: "read" | "write", group: number, id: number): Handler | undefined {
    return this.#handlers.get(key(op, group, id));
  }
}

function key(op: string, group: number, id: number): string {
  return `${op} ${group} ${id}`;
}

/** Whether the fault is the client's: no CBOR map, or a known key with a wrong type. */
export function isUndecodable(error: unknown): boolean {
  return error instanceof ShapeError || hasCode(error, "SMP_BAD_FRAME");
}

/** A request's body, or undefined when it does not decode. */
export function decodeRequest<S extends Shape>(shape: S, body: Uint8Array): Body<S> | undefined {
  try {
    return parseShape(shape, decodeBody(body), "request");
  } catch (error) {
    if (isUndecodable(error)) return undefined;
    throw error;
  }
}
