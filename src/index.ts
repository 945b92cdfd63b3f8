/**
 * The library: what the nodes do, for scripts. A script opens a pool of sessions over a transport, borrows a device from it, and
 * sends requests or takes the steps of an update:
 *
 *   createPool(serialTransport()) ─► pool.use(address, …, async (device) => …) ─┬─► (await device.session()).request(commands.os.echo, …)
 *                                                                               └─► uploadFirmware, testImage, resetDevice, confirmImage
 */

// Errors: switch on `code`.
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

// Transports: how devices are reached.
export { bleTransport, type BleSettings, type BleTransport } from "./transport/ble";
export type { BleAdvert, BleIdentity, BleLinkFacts } from "./transport/ble-host/messages";
export { discoverDevices, type DiscoverOptions, type Discovery } from "./transport/discover";
export { flowTransport } from "./transport/flow";
export { FlowChannel, type OutgoingFrame, type Outlet, type Sender } from "./transport/flow/channel";
export type { FlowCounters } from "./transport/flow/counters";
export { FLOW_DEFAULTS, type FlowSettings } from "./transport/flow/settings";
export { TRANSPORTS, type Scheme } from "./transport/registry";
export { listSerialPorts, serialTransport, type SerialOptions } from "./transport/serial";
export {
  FLOW_CONTROLS,
  FRAMINGS,
  isFlowInFrames,
  SERIAL_DEFAULTS,
  SERIAL_RANGES,
  type SerialSettings,
} from "./transport/serial/address";
export type { PortInfo } from "./transport/serial/port-list";
export type { FoundDevice, Link, Transport } from "./transport/transport";
export { UDP_PORT, udpTransport, type UdpOptions } from "./transport/udp";
export { virtualTransport, type VirtualDevices } from "./transport/virtual";

// Sessions: one for each device of a pool, shared by all who use it.
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

// Requests: the command table, and commands that are not in it.
export { COMMANDS, findCommand } from "./smp/commands";
export * as commands from "./smp/commands";
export { command, GROUP, TIMEOUT_MS, type Command } from "./smp/command";
export { describeCommands, type CommandDescription } from "./smp/describe";
export { resultCode, type ResultCode } from "./smp/codes";
export { BOOT_MODE } from "./smp/groups/os";
export type { Body, Shape } from "./smp/shape";
export {
  anyCommand,
  requestAny,
  requestFromJson,
  type AnyCommand,
  type AnyRequest,
  type RawCommand,
} from "./session/any-command";

// Firmware: files, packages, signatures.
export { openFirmware, type FirmwareInput, type FirmwareSource, type OpenFirmwareOptions } from "./image/source";
export { openFirmwarePackage, type FirmwarePackage, type FirmwarePart, type PackageKind } from "./image/package";
export { createSpool, type Spool, type SpoolOptions } from "./image/spool";
export { inspectFirmware, type FirmwareInfo } from "./image/inspect";
export { realPathWithin, type FolderLimits } from "./image/folders";
export { loadPublicKeys, readKeySetting, type KeySetting } from "./image/key-files";
export { parsePublicKeys, type KeyKind, type PublicKey } from "./image/public-key";
export { verifySignature, type SignatureCheck } from "./image/signature";
export { compareVersions, formatVersion, parseVersion, type Version } from "./image/version";

// The steps of an update, one by one.
export { readImageState } from "./update/recovery";
export { isUpToDate } from "./update/state";
export { describeFirmware, MAX_IMAGE_NUMBER } from "./update/firmware";
export { choosePart, needsState, type PartChoice } from "./update/choose-part";
export { uploadFirmware, type UploadOptions } from "./update/upload";
export { testImage, type TestOptions } from "./update/test-image";
export { resetDevice, type ResetOptions, type ResetProgress } from "./update/reset-device";
export { confirmImage, type ConfirmOptions } from "./update/confirm-image";
export { phaseByState } from "./update/unfinished";
export { UNFINISHED_PHASES } from "./update/types";
export type {
  Firmware,
  ImageState,
  InstalledVersion,
  ResetResult,
  SlotState,
  Unfinished,
  UnfinishedPhase,
  UpdateVerdict,
  UploadPhase,
  UploadProgress,
  UploadResult,
  Verdict,
  WantedImage,
} from "./update/types";

// The whole update: checks and plan before the first byte, then of one device or many.
export {
  checkFirmware,
  refusalIn,
  type CheckName,
  type CheckPolicy,
  type CheckSubject,
  type Finding,
} from "./update/checks";
export { readDeviceFacts, type DeviceFacts } from "./update/device-facts";
export { planUpdate, type PlanSubject } from "./update/plan";
export type { PlanFacts, PlannedPart, PlanStep, StepName, UpdatePlan } from "./update/plan-types";
export { TRIAL_POLICIES, UPDATE_GOALS, VERSION_POLICIES, type UpdatePolicy } from "./update/update-policy";
export { planDevice, runUpdate } from "./update/run-update";
export { packageParts, type PackagePartsOptions } from "./update/package-parts";
export { Brake } from "./update/brake";
export { Fleet } from "./update/fleet";
export { SwapTimes } from "./update/swap-times";
export type {
  DevicePlan,
  FleetCounts,
  FleetOptions,
  FleetPlan,
  FleetProgress,
  FleetResult,
} from "./update/fleet-types";
export type {
  DeviceProgress,
  Gate,
  GateQuestion,
  ImageEvidence,
  PartsFor,
  Standing,
  UpdateEvidence,
  UpdateOptions,
  UpdatePart,
  UpdatePhase,
  UpdateResult,
} from "./update/run-types";

// Traces of what sessions exchange.
export { traceFile, type TraceFile, type TraceFileOptions } from "./trace/file";
export { readTrace, type ReadLine } from "./trace/read";
export { replayTrace, type Replay, type ReplayDifference } from "./trace/replay";
export type { EventRecord, FrameRecord, TracedHeader, TracedMatch, TraceRecord, TraceSink } from "./trace/record";

// Frames as messages, and the gateway that plays them to the devices of a pool.
export {
  failureEnvelope,
  type AckEnvelope,
  type Envelope,
  type EnvelopeFailure,
  type FailureEnvelope,
  type FrameEnvelope,
  type PresenceEnvelope,
} from "./framing/envelope";
export { decodePayload, encodePayload, PAYLOAD_FORMS, type AddressedFrame, type PayloadForm } from "./framing/payload";
export { AllowList, DEFAULT_ALLOWED } from "./gateway/allow-list";
export { Gateway, type GatewayOptions, type PlayRequest, type ServedDevice } from "./gateway/gateway";
export { Pieces } from "./gateway/pieces";
export { replyPayloads, type ReplyTo } from "./gateway/reply";
export { Presence, type DevicePresence, type PresenceOptions } from "./gateway/presence";
export { gatewayTopics, type GatewayTopics } from "./gateway/topics";

// The virtual device, for tests and trials.
export { VirtualDevice, type DeviceState } from "./device/device";
export * as faults from "./device/faults";
export type { Trial, VirtualDeviceOptions } from "./device/options";
export { PACES, type Pace, type PaceName } from "./device/pace";
export { PROFILES, type Profile, type ProfileName } from "./device/profiles";

// What the nodes' messages carry, for flows in TypeScript.
export type {
  ConnectPayload,
  ImageStatePayload,
  SmpContext,
  SmpErrorMessage,
  SmpFrameMessage,
  SmpTraceMessage,
  SmpMessage,
  SmpDeviceProgress,
  SmpProgressMessage,
  UploadPayload,
} from "./update/messages";

// Time and abort as the library has them: the nodes have no timers of their own.
export { abortReason, after, nowMs, withDeadline } from "./clock";
