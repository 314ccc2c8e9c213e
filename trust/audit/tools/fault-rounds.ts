/**
 * Makes system calls of a recording process fail by strace, one call and one error after the other, and holds the log
 * against what was acknowledged, as `kill-rounds.ts` does. The faults come while it records and end again; then it is killed.
 *
 *   node trust/audit/tools/fault-rounds.ts [POLICY ...]      all policies unless told; `apt-get install strace`
 *
 * Exit status 1 where anything acknowledged is missing, 69 without strace.
 */
import { execFileSync } from "node:child_process";
import { openTemporaryFolder } from "@cupel/base";
import { faultCases, faultRound } from "./fault-round.ts";
import { verifyLog } from "./kill-round.ts";

try {
  execFileSync("strace", ["--version"], { stdio: "ignore" });
} catch {
  console.error("There is no strace here: apt-get install strace.");
  process.exit(69);
}
const policies = process.argv.length > 2 ? process.argv.slice(2) : ["block", "spill", "count-and-drop"];
let rounds = 0;
let acknowledged = 0;
for (const policy of policies) {
  for (const injected of faultCases) {
    await using folder = await openTemporaryFolder("fault-rounds");
    const { promised, spilled, dropped, refused } = await faultRound(folder.path, policy, injected);
    const size = await verifyLog(folder.path, promised, spilled);
    console.log(
      `${policy} ${injected}: ${promised.size} logged, ${spilled.size} spilled, ${dropped} dropped, ${refused} refused; ${size} in the log`,
    );
    rounds++;
    acknowledged += promised.size + spilled.size;
  }
}
console.log(`${rounds} rounds: all ${acknowledged} acknowledged events are there, and each tree verifies.`);
