// mocha's usual report, and the counts as one line of JSON at the end of the file that TEST_COUNTS names.
const { appendFileSync } = require("node:fs");
const { Spec } = require("mocha").reporters;

module.exports = class CountingReporter extends Spec {
  done(failures, fn) {
    const { passes, pending } = this.stats;
    appendFileSync(
      process.env.TEST_COUNTS,
      JSON.stringify({ passed: passes, failed: failures, skipped: pending }) + "\n",
    );
    fn?.(failures);
  }
};
