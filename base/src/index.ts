// First, so that nothing that an old Node.js lacks is reached before.
import "./supported-node.ts";

export {
  createFileAtomically,
  removePartial,
  temporaryBeside,
  writeError,
  writeFileAtomically,
} from "./atomic-file.ts";
export {
  Breaker,
  type BreakerOptions,
  type BreakerState,
  type Outcome,
  type Settle,
} from "./breaker.ts";
export { bytesText, threeDigits } from "./bytes-text.ts";
export { type Clock, systemClock } from "./clock.ts";
export { collectGarbage } from "./collect-garbage.ts";
export { elementCount } from "./element-count.ts";
export {
  CupelError,
  type CupelErrorOptions,
  defineErrors,
  type ErrorJson,
  type ErrorRegistry,
  type ErrorSpec,
  failures,
  type GrpcStatus,
  publicError,
  reasonOf,
} from "./error.ts";
export { baseErrors, cancellation, errorFrom, throwIfCancelled } from "./errors.ts";
export {
  type EventFacts,
  type EventSeverity,
  type EventSink,
  type SinkFigures,
  silentSink,
  type WorkEvent,
} from "./event-sink.ts";
export { type FileDigestOptions, fileDigest } from "./file-digest.ts";
export { type FileLock, lockFile } from "./file-lock.ts";
export { filesDigest, type NamedDigest } from "./files-digest.ts";
export { closeWhenForgotten } from "./forgotten.ts";
export { freeBuffer } from "./free-buffer.ts";
export { type Gate, type GateFile, type GateRequest, openGate, type Verdict } from "./gate.ts";
export { meanRatio } from "./mean-ratio.ts";
export { assertWritable } from "./output-paths.ts";
export { own, setOwn } from "./own.ts";
export { isAbandoned, ownerMark } from "./owner-mark.ts";
export { type PostedError, postError, reviveError } from "./posted-error.ts";
export { type Progress, type ProgressTask, silentProgress, type WorkOptions } from "./progress.ts";
export { type Proportion, proportion } from "./proportion.ts";
export { createRandom, type Random } from "./random.ts";
export { assertRegular, openRegular, readRegular } from "./regular-file.ts";
export { conforms, expectation, type Schema } from "./schema.ts";
export { type MedianInterval, medianInterval, quantile, type Spread, spreadOf } from "./spread.ts";
export { starPattern } from "./star-pattern.ts";
export { editDistance, suggest } from "./suggest.ts";
export { minimumNode } from "./supported-node.ts";
export { openTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
export { moduleBeside } from "./thread/module-beside.ts";
export {
  type CloseOptions,
  OwnedThread,
  type OwnedThreadOptions,
  type TaskOptions,
} from "./thread/owned-thread.ts";
export { type Served, serveThread, type ThreadHandler } from "./thread/serve-thread.ts";
export { makeThrowawayCertificate, type ThrowawayCertificate } from "./throwaway-certificate.ts";
export { createTurns } from "./turns.ts";
