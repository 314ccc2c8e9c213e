/**
 * Kills a recording process at random, again and again, and holds the log against what the process had acknowledged:
 * each event is there at its index, no line is torn, and in the end the tree verifies. Each log lives through a hundred
 * kills: what a start reads of it grows with it, and so would the time between two kills.
 *
 *   node trust/audit/tools/kill-rounds.ts [ROUNDS [SEED]]      1,000 rounds unless told
 *
 * Exit status 1 where anything is missing.
 */
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { killRound, type Promised, verifyLog } from "./kill-round.ts";

const [rounds = "1000", seed = "1"] = process.argv.slice(2);
const killsALog = 100;
const random = createRandom(Number(seed));
let acknowledged = 0;
for (let left = Number(rounds); left > 0; left -= killsALog) {
  await using folder = await openTemporaryFolder("kill-rounds");
  const kills = Math.min(left, killsALog);
  const promised: Promised = new Map();
  for (let kill = 0; kill < kills; kill++) await killRound(folder.path, random, promised);
  const size = await verifyLog(folder.path, promised);
  acknowledged += promised.size;
  console.log(
    `${kills} kills: ${promised.size} acknowledged events are in the log of ${size}, whose tree verifies.`,
  );
}
console.log(`${rounds} kills: all of ${acknowledged} acknowledged events are there.`);
