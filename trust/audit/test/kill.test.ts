/** A recorder that is killed at random. `tools/kill-rounds.ts` does the same a thousand times. */
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { killRound, type Promised, verifyLog } from "../tools/kill-round.ts";

test("each event that was acknowledged before a kill is in the log, and the tree verifies", async () => {
  await using folder = await openTemporaryFolder("audit-kill");
  const random = createRandom(20261127);
  const promised: Promised = new Map();
  for (let round = 0; round < 5; round++) await killRound(folder.path, random, promised);
  await verifyLog(folder.path, promised);
});
