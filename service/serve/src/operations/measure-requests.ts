/** Requests, their errors and where their time went, into the instruments. Whoever counts here counts nowhere else. */
import { stages } from "../core/inference.ts";
import type { Instruments } from "./instruments.ts";
import { causeCode, type RecordSink } from "./request-record.ts";

export function measureRequests(instruments: Instruments): RecordSink {
  return ({ face, action, model, code, error, elapsedMs, times, ...asked }) => {
    // What a caller asks for by number need not exist: a series is of a version that ran.
    const version = error === null || error.spec.http >= 500 ? asked.version : "";
    instruments.count("requests", { face, action, model, version, code });
    instruments.observe("requestSeconds", { face, action, model, version }, elapsedMs / 1000);
    for (const stage of stages) {
      const ms = times[stage];
      if (ms !== undefined) instruments.observe("stageSeconds", { model, version, stage }, ms / 1000);
    }
    if (error) instruments.count("errors", { code, cause: causeCode(error) });
  };
}
