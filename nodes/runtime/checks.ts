/** Checks of single values from settings and messages. Each error says what was expected, what was there and whence it came. */
import { MAX_IMAGE_NUMBER, SmpError } from "../../src/index";

export interface Field {
  /** As the edit dialog and the help call it. */
  readonly name: string;
  readonly code: "SMP_BAD_INPUT" | "SMP_BAD_SETTING";
  /** Where the value came from, e.g. "msg.smp.firmware.hash"; absent when it stands in the dialog itself. */
  readonly origin?: string | undefined;
}

/** One of the node's own settings. */
export function setting(name: string): Field {
  return { name, code: "SMP_BAD_SETTING" };
}

/** Numbers in settings and messages are often text. @throws the field's code */
export function wholeNumber(field: Field, value: unknown, [min, max]: readonly [number, number]): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) return number;
  throw mismatch(field, `a whole number from ${min} to ${max}`, value);
}

/** Undefined when the value is absent or an empty field of a form. @throws the field's code */
export function optionalNumber(field: Field, value: unknown, range: readonly [number, number]): number | undefined {
  return isBlank(value) ? undefined : wholeNumber(field, value, range);
}

export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** Lines of a field of a form, without blank ones. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** @throws the field's code */
export function nonEmptyText(field: Field, value: unknown): string {
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  throw mismatch(field, "a text that is not empty", value);
}

/** @throws the field's code */
export function oneOf<T extends string>(field: Field, value: unknown, choices: readonly T[]): T {
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw mismatch(field, `one of ${choices.join(", ")}`, value);
}

/** What a typed input gave for a message: `value` is undefined when there is nothing. */
export interface Given {
  readonly value: unknown;
  /** To blame when the value is not right. */
  readonly field: Field;
}

/** Undefined when none is given. @throws the field's code */
export function imageNumber({ field, value }: Given): number | undefined {
  return value === undefined ? undefined : wholeNumber(field, value, [0, MAX_IMAGE_NUMBER]);
}

/** SHA-256, SHA-384 or SHA-512 as text or Buffer. @returns hex in lower case @throws the field's code */
export function imageHash({ field, value }: Given): string {
  const hex = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
  if (typeof hex === "string" && /^[0-9a-f]+$/i.test(hex) && [64, 96, 128].includes(hex.length)) {
    return hex.toLowerCase();
  }
  throw mismatch(field, "an image's hash, 64, 96 or 128 hex digits", value);
}

/** SHA-256 of a file as text or Buffer; undefined when none is given. @returns hex in lower case @throws the field's code */
export function fileSha256({ field, value }: Given): string | undefined {
  if (value === undefined) return undefined;
  const text = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
  const hex = typeof text === "string" ? /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim())?.[1] : undefined;
  if (hex !== undefined) return hex.toLowerCase();
  throw mismatch(field, "the SHA-256 of a file, 64 hex digits", value);
}

export function mismatch(field: Field, expected: string, value: unknown): SmpError {
  const origin = field.origin === undefined ? "" : ` (${field.origin})`;
  return new SmpError(field.code, `${field.name} must be ${expected}, got ${shown(value)}${origin}`, {
    field: field.origin ?? field.name,
  });
}

const SHOWN_LENGTH = 40;

function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (value instanceof Uint8Array) return `a Buffer of ${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return String(value);
  // Node-RED leaves the reference in place when the variable does not exist.
  if (/^\$\{[^}]+\}$/.test(value)) return `${value}, which is not set`;
  return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);
}
