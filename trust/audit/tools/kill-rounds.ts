/**
 * Kills a recording process at random, again and again on one log, and holds the log against what the process had
 * acknowledged: each event is there at its index, no line is torn, and in the end the tree verifies.
 *
 *   node trust/audit/tools/kill-rounds.ts [ROUNDS [SEED]]      1,000 rounds unless told
 *
 * Exit status 1 where anything is missing.
 */
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { killRound, type Promised, verifyLog } from "./kill-round.ts";

const [rounds = "1000", seed = "1"] = process.argv.slice(2);
await using folder = await openTemporaryFolder("kill-rounds");
const random = createRandom(Number(seed));
const promised: Promised = new Map();
for (let round = 1; round <= Number(rounds); round++) {
  await killRound(folder.path, random, promised);
  if (round % 50 === 0) console.log(`${round} rounds, ${promised.size} events acknowledged, all there`);
}
const size = await verifyLog(folder.path, promised);
console.log(
  `${rounds} kills: ${promised.size} acknowledged events are in the log of ${size}, whose tree verifies.`,
);
