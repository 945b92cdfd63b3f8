/** Which devices an update is for. */
import { SmpError } from "../../src/index";
import { mismatch, nonEmptyText, type Field, type Given } from "./checks";
import { recordOf } from "./red";

export interface WantedDevices {
  readonly devices: readonly string[];
  /** The message names one device and no list: its error is the message's error. */
  readonly isSingle: boolean;
}

/** More are a mistake, e.g. the bytes of a Buffer. */
const MAX_DEVICES = 10_000;

/**
 * A device by its address, or a list of them; each may also be an object with `device`, as the discover node gives it.
 * @throws the field's code
 */
export function wantedDevices({ field, value }: Given): WantedDevices {
  if (!Array.isArray(value)) return { devices: [nameOf({ field, value })], isSingle: true };
  if (value.length === 0 || value.length > MAX_DEVICES) {
    throw mismatch(field, `a device or a list of 1 to ${MAX_DEVICES} devices`, value);
  }
  const devices = value.map((each: unknown, index) => nameOf({ field: within(field, `[${index}]`), value: each }));
  return { devices, isSingle: false };
}

function nameOf({ field, value }: Given): string {
  if (value === undefined) {
    throw new SmpError(field.code, `no device is given${field.origin === undefined ? "" : ` (${field.origin})`}`, {
      field: field.origin ?? field.name,
      hint: "Give a device, or a list of devices, or send the message through a connect node first.",
    });
  }
  const { device } = recordOf(value);
  return device === undefined ? nonEmptyText(field, value) : nonEmptyText(within(field, ".device"), device);
}

function within(field: Field, path: string): Field {
  const { name, origin } = field;
  return origin === undefined ? { ...field, name: `${name}${path}` } : { ...field, origin: `${origin}${path}` };
}
