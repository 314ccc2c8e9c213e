/**
 * What the generator's own acceptance asks for besides its tests: mean and 99th percentile of a closed loop beside those of
 * h2load, within 10 %. `node service/wan/tools/accept-load.ts`; a minute; needs h2load (apt-get install nghttp2-client) and
 * a machine without other work. Ends with status 1 where it is missed.
 */
import { spreadOf } from "@cupel/base";
import { compareWithH2load } from "./h2load.ts";

const { rounds } = await compareWithH2load(9);
for (const figure of ["mean", "p99"] as const) {
  const { median, p10, p90 } = spreadOf(rounds.map((each) => each[figure].ours / each[figure].theirs));
  const isMet = Math.abs(median - 1) <= 0.1;
  if (!isMet) process.exitCode = 1;
  const first = rounds[0]?.[figure];
  console.log(
    `${isMet ? "met   " : "MISSED"} ${figure}: ours / h2load ${median.toFixed(3)} (${p10.toFixed(3)} - ${p90.toFixed(3)}), first round ${first?.ours.toFixed(1)} and ${first?.theirs.toFixed(1)} ms`,
  );
}
