/**
 * How much faster models are than the first, by processor time. Other programs change how long a run takes much more
 * than how much processor time it costs; and each round runs every model, so that what still changes hits all.
 */
import { createRandom } from "@cupel/base";
import type { Feeds, InferenceSession } from "@cupel/runtime";
import type { Ratio } from "./zoo-row.ts";

const rounds = 12;
/** A round runs each model as often as the slowest needs for this long, since short times are measured badly. */
const leastMs = 40;
const mostRuns = 20;
/** Student's t for `rounds - 1` degrees of freedom, two-sided 95 %. */
const t95 = 2.201;

/** The first's time over each other's. It is the time of this process, so nothing else may be done in it meanwhile. */
export async function pairedTimes(sessions: readonly InferenceSession[], feeds: Feeds): Promise<Ratio[]> {
  const warm: number[] = [];
  for (const session of sessions) {
    await timeOf(session, feeds, 2);
    warm.push(await timeOf(session, feeds, 1));
  }
  const runs = Math.max(1, Math.min(mostRuns, Math.round(leastMs / Math.max(...warm))));
  const logs: number[][] = sessions.map(() => []);
  const random = createRandom(1);
  for (let round = 0; round < rounds; round++) {
    const order = random.permutation(sessions.length);
    const times: number[] = [];
    for (const index of order) times[index] = await timeOf(sessions[index]!, feeds, runs);
    for (const [index, time] of times.entries()) logs[index]!.push(Math.log(times[0]! / time));
  }
  return logs.slice(1).map(ratioOf);
}

/** The geometric mean of ratios and its interval, from their logarithms. */
export function ratioOf(logs: readonly number[]): Ratio {
  const count = logs.length;
  const mean = logs.reduce((sum, x) => sum + x, 0) / count;
  const variance = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
  const half = t95 * Math.sqrt(variance / count);
  return { ratio: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

/** Milliseconds of processor time. */
async function timeOf(session: InferenceSession, feeds: Feeds, runs: number): Promise<number> {
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run++) await session.run(feeds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
