import assert from "node:assert/strict";
import type { DeviceImagesOptions, SwapMode } from "../../src/device/image-options";
import type { DeviceImages } from "../../src/device/images";
import type { SwapType } from "../../src/device/image-store";
import { planSwap, type PagePlace } from "../../src/device/swap-plan";
import { swapTypeOf } from "../../src/device/swap-type";
import type { Trailer, TrailerFlag, TrailerMagic } from "../../src/device/trailer";
import { buildImage, hashOf } from "../build-image";
import { A, B, contents, install, shown, smallDevice, upload } from "./small-device";

const SWAP_MODES: readonly SwapMode[] = ["swap-move", "swap-scratch", "swap-offset"];
const MAGICS: readonly TrailerMagic[] = ["good", "unset", "bad"];
const FLAGS: readonly TrailerFlag[] = ["set", "unset", "bad"];

function trailer(magic: TrailerMagic, imageOk: TrailerFlag, copyDone: TrailerFlag): Trailer {
  return { magic, imageOk, copyDone, swapType: "none", swapSizeBytes: undefined };
}

const ALL_TRAILERS = MAGICS.flatMap((magic) =>
  FLAGS.flatMap((imageOk) => FLAGS.map((copyDone) => trailer(magic, imageOk, copyDone))),
);

describe("the swap type", () => {
  it("is test for a good secondary magic without image_ok, whatever else is set", () => {
    for (const primary of ALL_TRAILERS) {
      for (const copyDone of FLAGS) {
        assert.equal(swapTypeOf("swap-move", primary, trailer("good", "unset", copyDone)), "test");
      }
    }
  });

  it("is permanent for a good secondary magic with image_ok, whatever else is set", () => {
    for (const primary of ALL_TRAILERS) {
      for (const copyDone of FLAGS) {
        assert.equal(swapTypeOf("swap-scratch", primary, trailer("good", "set", copyDone)), "permanent");
      }
    }
  });

  it("is revert when the primary was swapped in and not confirmed, and the secondary asks for nothing", () => {
    for (const secondary of ALL_TRAILERS.filter(({ magic }) => magic !== "good")) {
      assert.equal(swapTypeOf("swap-move", trailer("good", "unset", "set"), secondary), "revert");
    }
    assert.equal(swapTypeOf("swap-move", trailer("good", "unset", "set"), trailer("good", "bad", "set")), "revert");
  });

  it("is none for every other pair of trailers", () => {
    const isTrial = ({ magic, imageOk, copyDone }: Trailer): boolean =>
      magic === "good" && imageOk === "unset" && copyDone === "set";
    for (const primary of ALL_TRAILERS.filter((one) => !isTrial(one))) {
      for (const secondary of ALL_TRAILERS.filter(({ magic, imageOk }) => magic !== "good" || imageOk === "bad")) {
        assert.equal(swapTypeOf("swap-move", primary, secondary), "none");
      }
    }
  });

  it("is revert in swap-offset alone for a secondary that was being swapped out", () => {
    for (const primary of ALL_TRAILERS) {
      assert.equal(swapTypeOf("swap-offset", primary, trailer("good", "unset", "set")), "revert");
      assert.equal(swapTypeOf("swap-offset", primary, trailer("good", "unset", "unset")), "test");
    }
  });
});

describe("a swap's plan", () => {
  for (const mode of SWAP_MODES) {
    for (const isRevert of [false, true]) {
      it(`exchanges the images of ${mode}${isRevert ? " in a revert" : ""} and never needs a page that is gone`, () => {
        const pages = 4;
        const shift = mode === "swap-offset" ? 1 : 0;
        const [before, after] = isRevert ? [0, shift] : [shift, 0];
        const held = new Map<string, string>();
        const key = ({ area, page }: PagePlace): string => `${area} ${page}`;
        for (let page = 0; page < pages; page++) {
          held.set(`primary ${page}`, `old ${page}`);
          held.set(`secondary ${page + before}`, `new ${page}`);
        }
        for (const { from, to } of planSwap(mode, pages, isRevert)) {
          assert.notEqual(key(from), key(to));
          held.set(key(to), held.get(key(from))!);
        }
        for (let page = 0; page < pages; page++) {
          assert.equal(held.get(`primary ${page}`), `new ${page}`);
          assert.equal(held.get(`secondary ${page + after}`), `old ${page}`);
        }
      });
    }
  }
});

/** Image areas and flags: all of both slots but the trailer, whose record of how a swap went may differ. */
function stateOf(device: DeviceImages): unknown {
  const trailerBytes = 2048;
  const images = Array.from({ length: device.imageCount }, (_, image) => image);
  const bytes = images.flatMap((image) =>
    [0, 1].map((slot) => Buffer.from(device.snapshot(image, slot)).subarray(0, -trailerBytes).toString("base64")),
  );
  return { shown: shown(device), types: images.map((image) => device.swapType(image)), bytes };
}

type Make = () => DeviceImages;

/** Devices whose next boot swaps: for test, for good, and back. */
function swapping(type: SwapType, options: DeviceImagesOptions): DeviceImages {
  const device = smallDevice(options);
  if (type === "revert") {
    assert.deepEqual(install(device, B, false).actions, ["swapped"]);
  } else {
    upload(device, B);
    device.setState(hashOf(B), type === "permanent");
  }
  return device;
}

/** How it ends when power stays, which must be with another image in slot 0. */
function uncut(make: Make): { steps: number; state: unknown } {
  const device = make();
  const { completed, running, steps } = device.boot();
  assert.deepEqual({ completed, running }, { completed: true, running: true });
  assert.notEqual(shown(device)[0], shown(make())[0]);
  return { steps, state: stateOf(device) };
}

/** Boots until it is through, each time but the last with power for so many steps as `cuts` gives next. */
function bootWithCuts(device: DeviceImages, cuts: Iterable<number>): void {
  for (const cutAfterSteps of cuts) {
    const report = device.boot({ cutAfterSteps });
    if (report.completed) return;
    assert.equal(report.running, false);
    assert.equal(report.steps, cutAfterSteps);
  }
  const last = device.boot();
  assert.deepEqual({ completed: last.completed, running: last.running }, { completed: true, running: true });
}

function assertEndsTheSame(make: Make, cuts: () => Iterable<number>, expected: unknown): void {
  const device = make();
  bootWithCuts(device, cuts());
  assert.deepEqual(stateOf(device), expected);
}

function* always(steps: number): Iterable<number> {
  for (;;) yield steps;
}

describe("a power failure in a swap", () => {
  for (const mode of SWAP_MODES) {
    for (const type of ["test", "permanent", "revert"] as const) {
      const make = (): DeviceImages => swapping(type, { mode });

      it(`changes nothing about the end, after any step of a ${type} swap of ${mode}`, () => {
        const { steps, state } = uncut(make);
        assert.ok(steps > 20, `${steps} steps`);
        for (let cut = 0; cut < steps; cut++) assertEndsTheSame(make, () => [cut], state);
      });

      it(`changes nothing when it comes again and again in a ${type} swap of ${mode}`, () => {
        const { steps, state } = uncut(make);
        for (let every = 7; every < steps; every++) assertEndsTheSame(make, () => always(every), state);
      });
    }
  }

  for (const mode of SWAP_MODES) {
    it(`changes nothing with small pages, many of which the trailer of ${mode} takes`, () => {
      const make = (): DeviceImages => swapping("revert", { mode, pageBytes: 512, slotBytes: 64 * 512 });
      const { steps, state } = uncut(make);
      for (let cut = 0; cut < steps; cut++) assertEndsTheSame(make, () => [cut], state);
    });
  }

  it("leaves a revert of swap-offset that had just begun a revert for all who read the trailers", () => {
    for (let cut = 0; cut < 10; cut++) {
      const device = swapping("revert", { mode: "swap-offset" });
      device.boot({ cutAfterSteps: cut });
      assert.equal(device.swapType(0), "revert", `after ${cut} steps`);
    }
  });

  it("changes nothing when it comes twice, at any two moments of a revert", () => {
    const make = (): DeviceImages => swapping("revert", { mode: "swap-move" });
    const { steps, state } = uncut(make);
    for (let first = 0; first < steps; first += 2) {
      for (let second = 0; second < steps; second += 5) assertEndsTheSame(make, () => [first, second], state);
    }
  });

  for (const mode of SWAP_MODES) {
    it(`does not turn a revert of ${mode} into a downgrade that is refused`, () => {
      const make = (): DeviceImages => swapping("revert", { mode, downgradePrevention: "version" });
      const { steps, state } = uncut(make);
      for (let cut = 0; cut < steps; cut++) assertEndsTheSame(make, () => [cut], state);
    });

    it(`does not revert the first of two images of ${mode} before the second is swapped`, () => {
      const [other, next] = [
        buildImage({ version: "1.0.1", payloadBytes: 2500 }),
        buildImage({ version: "2.0.1", payloadBytes: 2600 }),
      ];
      const make = (): DeviceImages => {
        const device = smallDevice({ mode, imageCount: 2, contents: contents([0, 0, A], [1, 0, other]) });
        upload(device, B, 0);
        upload(device, next, 1);
        device.setState(hashOf(B), false);
        device.setState(hashOf(next), false);
        return device;
      };
      const { steps, state } = uncut(make);
      for (let cut = 0; cut < steps; cut++) assertEndsTheSame(make, () => [cut], state);
      const device = make();
      device.boot();
      assert.deepEqual(device.boot().actions, ["reverted", "reverted"]);
    });
  }

  it("leaves a resumed update to a reverting boot like any other", () => {
    const device = swapping("test", { mode: "swap-move" });
    bootWithCuts(device, [20]);
    assert.deepEqual(device.boot().actions, ["reverted"]);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
  });

  it("changes nothing in overwrite mode, after any step", () => {
    const make = (): DeviceImages => swapping("test", { mode: "overwrite" });
    const { steps, state } = uncut(make);
    for (let cut = 0; cut < steps; cut++) assertEndsTheSame(make, () => [cut], state);
  });

  for (const refused of ["damaged", "older"] as const) {
    it(`does not save an image that is ${refused} from being refused`, () => {
      const file =
        refused === "damaged"
          ? buildImage({ version: "3.0.0", corrupt: true })
          : buildImage({ version: "0.9.0", payloadBytes: 5000 });
      const make = (): DeviceImages => {
        const device = smallDevice({ downgradePrevention: "version" });
        upload(device, file);
        device.setState(hashOf(file), false);
        return device;
      };
      const { steps } = make().boot();
      for (let cut = 0; cut < steps; cut++) {
        const device = make();
        bootWithCuts(device, [cut]);
        assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed"]);
        assert.equal(device.swapType(0), "none");
        upload(device, B);
        assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
      }
    });
  }
});
