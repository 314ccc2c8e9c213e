/** What the map's face calls. */

export { fetchStaged, findStaged, stageNumber, stageRow } from "./batch.ts";
export { claim, recoverClaimant, unclaim } from "./claims.ts";
export { clear } from "./clear.ts";
export { countEntries } from "./count.ts";
export { add, addFixed, fix, readFixed, unfix } from "./counter.ts";
export { create } from "./create.ts";
export { readChunk } from "./entry.ts";
export { unpin } from "./epoch.ts";
export { takeEvent, wantEvents } from "./events.ts";
export { hashBytes } from "./hash.ts";
export { discard } from "./heap.ts";
export { deliver, successor } from "./iterate.ts";
export { attach, detach } from "./lane.ts";
export { peek } from "./peek.ts";
export { purgeExpired } from "./purge.ts";
export { contains, isCurrent, read, readNoted } from "./read.ts";
export { recoverDead } from "./recover.ts";
export { release, reserve } from "./reservation.ts";
export { wordAt } from "./versions.ts";
export { commit, prependChunk, remove, stage, write } from "./write.ts";
