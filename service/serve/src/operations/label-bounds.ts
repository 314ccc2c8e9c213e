/** What each label may say: closed sets that the program knows, and the names of models that the server has. */

import { own } from "@cupel/base";
import { faceNames } from "../core/call.ts";
import { stages } from "../core/inference.ts";
import { connectionErrorCauses } from "../listener/connection-error.ts";
import { metricTable } from "./metric-table.ts";
import type { LabelBound } from "./series-index.ts";

const oneOf = (values: Iterable<string>): LabelBound => {
  const set = new Set(values);
  return (value) => set.has(value);
};

/** A code is a constant of a table of errors, of whichever package: no caller can make one. */
const isCode: LabelBound = (value) => /^[A-Z][A-Z0-9_]{1,47}$/.test(value);

/** As faces name what is asked for. */
export const actions = [
  "infer",
  "predict",
  "metadata",
  "ready",
  "live",
  "console",
  "load",
  "unload",
  "index",
  "config",
  "stats",
  "metrics",
  "debug",
] as const;
export type Action = (typeof actions)[number];

/** Names of limits that refuse at the door, as the configuration has them. */
export const doorLimits = ["limits.inFlight", "limits.inFlightPerKey", "limits.rate"] as const;

export interface ServedModels {
  has(model: string): boolean;
}

/** A version is a number of at most nine digits: its folder's name. "" stands for "not known yet". */
const isVersion: LabelBound = (value) => value === "" || /^[1-9]\d{0,8}$/.test(value);

/**
 * By label, or by metric and label where a label means another thing than elsewhere: what neither names is "other",
 * whatever it says.
 */
export function labelBounds(models: ServedModels): (metric: string, label: string) => LabelBound {
  const bounds: Readonly<Record<string, LabelBound>> = {
    face: oneOf(faceNames),
    action: oneOf([...actions, "graphql"]),
    model: (value) => value === "" || models.has(value),
    version: isVersion,
    code: isCode,
    cause: (value) => value === "" || isCode(value),
    stage: oneOf(stages),
    outcome: oneOf(["hit", "miss", "joined", "negative"]),
    limit: oneOf(["", ...doorLimits]),
    metric: oneOf(Object.values(metricTable).map(({ name }) => name)),
    quantile: oneOf(["0.5", "0.99", "1"]),
    kind: oneOf(["heapUsed", "heapTotal", "external", "arrayBuffers"]),
    protocol: oneOf(["http1", "http2"]),
    tls: oneOf(["", "none", "TLSv1.2", "TLSv1.3"]),
    alpn: oneOf(["none", "h2", "http/1.1"]),
    resumed: oneOf(["yes", "no"]),
    "processesEnded.cause": (value) => /^(SIG[A-Z0-9]{2,8}|status \d{1,3})$/.test(value),
    "recordSeconds.outcome": oneOf(["kept", "refused"]),
    "connectionErrors.cause": oneOf(Object.keys(connectionErrorCauses)),
  };
  return (metric, label) => own(bounds, `${metric}.${label}`) ?? own(bounds, label) ?? nothing;
}

const nothing: LabelBound = () => false;
