import assert from "node:assert/strict";
import { Learnt } from "../../src/session/learnt";
import { Window } from "../../src/update/window";

const SILENT = true;

/** Sizes after each of so many chunks that are taken. */
function take(window: Window, chunks: number): number[] {
  return Array.from({ length: chunks }, () => {
    window.taken();
    return window.size;
  });
}

describe("window", () => {
  it("begins with the most that is allowed, and is halved by each silence down to stop-and-wait", () => {
    const window = new Window(8, new Learnt());
    const sizes = [window.size];
    for (let loss = 0; loss < 5; loss++) {
      window.lost(SILENT);
      sizes.push(window.size);
    }
    assert.deepEqual(sizes, [8, 4, 2, 1, 1, 1]);
  });

  it("stays at two, where the next loss shows at once, while the device answers others than the lost one", () => {
    const window = new Window(8, new Learnt());
    for (let loss = 0; loss < 5; loss++) window.lost(!SILENT);
    assert.equal(window.size, 2);
    const stopAndWait = new Window(1, new Learnt());
    stopAndWait.lost(!SILENT);
    assert.equal(stopAndWait.size, 1);
  });

  it("grows again, one by one and not beyond what is allowed, while nothing is lost", () => {
    const window = new Window(3, new Learnt());
    window.lost(SILENT);
    assert.equal(window.size, 1);
    assert.deepEqual([...new Set(take(window, 500))], [1, 2, 3]);
  });

  it("is soon as large as before after a loss by chance", () => {
    const window = new Window(8, new Learnt());
    take(window, 100);
    window.lost(!SILENT);
    assert.equal(take(window, 30).at(-1), 8);
  });

  it("tries ever more seldom what was lost each time that it was tried", () => {
    const window = new Window(4, new Learnt());
    let losses = 0;
    for (let chunk = 0; chunk < 1_000; chunk++) {
      window.taken();
      if (window.size < 3) continue;
      losses++;
      window.lost(!SILENT);
    }
    assert.ok(losses < 10, `${losses} losses`);
  });

  it("does not grow while every few chunks are lost", () => {
    const window = new Window(4, new Learnt());
    for (let chunk = 0; chunk < 500; chunk++) {
      if (chunk % 10 === 0) window.lost(SILENT);
      else window.taken();
    }
    assert.equal(window.size, 1);
  });

  it("begins where the last one of the device ended, unless that was all that a setting allowed", () => {
    const learnt = new Learnt();
    new Window(8, learnt).lost(SILENT);
    assert.equal(new Window(8, learnt).size, 4);
    assert.equal(new Window(3, learnt).size, 3);
    const fresh = new Learnt();
    take(new Window(1, fresh), 100);
    assert.equal(new Window(8, fresh).size, 8);
  });
});
