/** The library: what the nodes do, for scripts. */

export {
  DeviceError,
  ERRORS,
  messageOf,
  SmpError,
  toSmpError,
  type SmpErrorCode,
  type SmpErrorDetails,
  type SmpErrorOptions,
  type SmpErrorReport,
} from "./errors";
export { abortReason, after, formatMs, nowMs, raceAbort, sleep, throwIfAborted, withDeadline } from "./clock";

export {
  ackEnvelope,
  ENVELOPE_VERSION,
  failureEnvelope,
  frameEnvelope,
  presenceEnvelope,
  type AckEnvelope,
  type Envelope,
  type EnvelopeFailure,
  type FailureEnvelope,
  type FrameEnvelope,
  type PresenceEnvelope,
} from "./framing/envelope";
export { decodePayload, encodePayload, PAYLOAD_FORMS, type AddressedFrame, type PayloadForm } from "./framing/payload";

export { COMMANDS, findCommand } from "./smp/commands";
export * as commands from "./smp/commands";
export { command, GROUP, TIMEOUT_MS, type Command } from "./smp/command";
export { describeCommands, type CommandDescription } from "./smp/describe";
export { resultCode, type ResultCode } from "./smp/codes";
export { BOOT_MODE } from "./smp/groups/os";
export type { Body, Shape } from "./smp/shape";

export { openFirmware, type FirmwareInput, type FirmwareSource, type OpenFirmwareOptions } from "./image/source";
export { createSpool, type Spool, type SpoolOptions } from "./image/spool";
export { inspectFirmware, type FirmwareInfo } from "./image/inspect";
export { compareVersions, formatVersion, parseVersion, type Version } from "./image/version";

export { VirtualDevice, type DeviceState } from "./device/device";
export type { Trial, VirtualDeviceOptions } from "./device/options";
export { PACES, type Pace, type PaceName } from "./device/pace";
export { PROFILES, type Profile, type ProfileName } from "./device/profiles";

export type { FoundDevice, Link, Transport } from "./transport/transport";
export { discoverDevices, type DiscoverOptions, type Discovery } from "./transport/discover";
export { bleTransport, type BleSettings, type BleTransport } from "./transport/ble";
export type { BleAdvert, BleIdentity, BleLinkFacts } from "./transport/ble-host/messages";
export { TRANSPORTS, type Scheme } from "./transport/registry";
export { UDP_PORT, udpTransport, type UdpOptions } from "./transport/udp";
export { virtualTransport, type VirtualDevices } from "./transport/virtual";

export { FLOW_CONTROLS, FRAMINGS, SERIAL_DEFAULTS, type SerialSettings } from "./transport/serial/address";
export { listSerialPorts } from "./transport/serial";
export type { PortInfo } from "./transport/serial/port-list";

export {
  anyCommand,
  requestAny,
  requestFromJson,
  type AnyCommand,
  type AnyRequest,
  type RawCommand,
} from "./session/any-command";
export type { EventRecord, FrameRecord, TracedHeader, TracedMatch, TraceRecord, TraceSink } from "./trace/record";

export { createPool, type PoolOptions } from "./session/pool";
export type {
  DeviceHandle,
  DeviceStatus,
  LinkState,
  Operation,
  RequestOptions,
  SessionCounters,
  SessionPool,
  SmpSession,
} from "./session/types";

export { isUpToDate, readImageState } from "./update/state";
export { describeFirmware } from "./update/firmware";
export { uploadFirmware, type UploadOptions } from "./update/upload";
export { testImage, type TestOptions } from "./update/test-image";
export { resetDevice, type ResetOptions, type ResetProgress } from "./update/reset-device";
export { confirmImage, type ConfirmOptions } from "./update/confirm-image";
export { judge, type BeforeAndAfter, type Judgement } from "./update/verdict";
export type {
  Firmware,
  ImageState,
  ResetResult,
  SlotState,
  UploadPhase,
  UploadProgress,
  UploadResult,
  Verdict,
  WantedImage,
} from "./update/types";
export type {
  ConnectPayload,
  ImageStatePayload,
  SmpContext,
  SmpErrorMessage,
  SmpMessage,
  SmpProgressMessage,
  UploadPayload,
} from "./update/messages";
