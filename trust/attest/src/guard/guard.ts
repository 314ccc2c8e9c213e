/**
 * `node --import @cupel/attest/guard APPLICATION`: see `guard-application.ts`. Preloads run in their order, and those of
 * --require before all of --import: give this one first.
 */
import { isMainThread } from "node:worker_threads";
import { guardApplication } from "./guard-application.ts";

if (isMainThread) await guardApplication(process.env);
