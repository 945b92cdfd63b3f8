// Prints the sum of the counts that counting-reporter.cjs left: node sum-counts.mjs FILE EXIT_CODE
import { readFileSync } from "node:fs";

const [file, exitCode] = process.argv.slice(2);
const counts = readFileSync(file, "utf8").trim().split("\n").filter(Boolean).map(JSON.parse);
const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
const failed = exitCode === "0" ? sum("failed") : Math.max(1, sum("failed"));
console.log(`${sum("passed")} passed, ${failed} failed${sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : ""}`);
