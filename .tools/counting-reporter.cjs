// mocha's usual report, and the counts as one line of JSON at the end of the file that TEST_COUNTS names.
const { appendFileSync } = require("node:fs");
const { Spec } = require("mocha").reporters;

module.exports = class CountingReporter extends Spec {
  #retried = [];

  constructor(runner, options) {
    super(runner, options);
    runner.on("retry", (test, error) => this.#retried.push(`${test.fullTitle()}\n    ${error.stack}`));
  }

  done(failures, fn) {
    const { passes, pending } = this.stats;
    for (const test of this.#retried) process.stdout.write(`  tried again: ${test}\n`);
    appendFileSync(
      process.env.TEST_COUNTS,
      JSON.stringify({ passed: passes, failed: failures, skipped: pending }) + "\n",
    );
    fn?.(failures);
  }
};
