/**
 * Several sessions of one version that run side by side and look like one. On two cores, two sessions of one engine
 * thread each gave 1.3 to 1.5 times the images per second of one session of two threads, whose threads wait for each
 * other at every node; each holds what the engine makes of the weights once more.
 */
import type { EngineRun, Feeds, InferenceSession, RunOptions } from "@cupel/runtime";

export type ServedSession = Pick<
  InferenceSession,
  "inputs" | "outputs" | "ended" | "timedRun" | "warmUp" | "close"
>;

/** @param count at least 1. Opens them one after the other: what is too large for the machine fails with the first that has no room. */
export async function openSessionGroup(
  count: number,
  open: () => Promise<ServedSession>,
): Promise<ServedSession> {
  await using opened = new AsyncDisposableStack();
  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    const session = opened.adopt(await open(), (each) => each.close({ drain: true }));
    members.push({ session, inHand: 0 });
  }
  const closing = opened.move();
  const { session } = members[0]!;
  if (members.length === 1) return session;
  const { inputs, outputs } = session;
  return {
    inputs,
    outputs,
    // A version of which a session is gone is loaded anew as a whole.
    ended: Promise.race(members.map(({ session }) => session.ended)),
    timedRun: (feeds, options) => runOn(leastBusy(members), feeds, options),
    async warmUp(feeds, options) {
      for (const { session } of members) await session.warmUp(feeds, options);
    },
    close: () => closing.disposeAsync(),
  };
}

interface Member {
  readonly session: ServedSession;
  /** Runs it was given and has not ended. */
  inHand: number;
}

function leastBusy(members: readonly Member[]): Member {
  return members.reduce((least, each) => (each.inHand < least.inHand ? each : least));
}

async function runOn(member: Member, feeds: Feeds, options: RunOptions | undefined): Promise<EngineRun> {
  member.inHand++;
  try {
    return await member.session.timedRun(feeds, options);
  } finally {
    member.inHand--;
  }
}
