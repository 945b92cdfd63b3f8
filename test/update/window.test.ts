import assert from "node:assert/strict";
import { Learnt } from "../../src/session/learnt";
import { Window } from "../../src/update/window";

describe("window", () => {
  it("begins with the most that is allowed, and is halved by each loss down to stop-and-wait", () => {
    const window = new Window(8, new Learnt());
    const sizes = [window.size];
    for (let loss = 0; loss < 5; loss++) {
      window.lost();
      sizes.push(window.size);
    }
    assert.deepEqual(sizes, [8, 4, 2, 1, 1, 1]);
  });

  it("grows again, one by one and not beyond what is allowed, while nothing is lost", () => {
    const window = new Window(3, new Learnt());
    window.lost();
    assert.equal(window.size, 1);
    const sizes = new Set<number>();
    for (let chunk = 0; chunk < 500; chunk++) {
      window.taken();
      sizes.add(window.size);
    }
    assert.deepEqual([...sizes], [1, 2, 3]);
  });

  it("does not grow while every few chunks are lost", () => {
    const window = new Window(4, new Learnt());
    for (let chunk = 0; chunk < 500; chunk++) {
      if (chunk % 10 === 0) window.lost();
      else window.taken();
    }
    assert.equal(window.size, 1);
  });
});
