/**
 * Loaded in every session's thread, so that it MUST NOT import @cupel/onnx: that would cost each 0.4 s.
 *
 * The engine explains itself in prose only. This table turns its sentences into our codes, and keeps the
 * limits it names, so that they are those of the engine at hand and not of our memory.
 */
import { baseErrors, type CupelError, type CupelErrorOptions, reasonOf } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";

interface LoadRefusal {
  readonly says: RegExp;
  readonly error: (message: string, options: CupelErrorOptions) => CupelError;
  readonly explain: (match: RegExpMatchArray) => string;
}

const unsupported: LoadRefusal["error"] = (message, options) =>
  runtimeErrors.error("MODEL_UNSUPPORTED_BY_ENGINE", message, options);

const loadRefusals: readonly LoadRefusal[] = [
  {
    says: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    error: unsupported,
    explain: ([, found, limit]) =>
      `the model is of IR version ${found}, and this engine reads up to ${limit}. Export it with IR version ${limit} or lower`,
  },
  {
    says: /Opset (\d+) is under development.*domain (\S+) is till opset (\d+)/s,
    error: unsupported,
    explain: ([, found, domain, limit]) =>
      `the model uses opset ${found} of ${domain}, and this engine knows up to ${limit}. Export it with opset ${limit} or lower`,
  },
  {
    says: /Could not find an implementation for (\S+?)\((\d+)\) node with name '([^']*)'/,
    error: unsupported,
    explain: ([, op, version, node]) =>
      `the engine has no kernel for ${op} (opset ${version}) with the types that node "${node}" uses`,
  },
  {
    says: /(\S+) is not a registered function\/op|No Op registered for (\S+)/,
    error: unsupported,
    explain: ([, unregistered, missing]) =>
      `the engine does not know the operator ${unregistered ?? missing}`,
  },
  {
    says: /Unsupported data type: (\d+)/,
    error: unsupported,
    explain: ([, type]) =>
      `an input or output has ONNX element type ${type}, which cannot cross into JavaScript. Put a Cast at the edge of the graph`,
  },
  {
    says: /File doesn't exist/,
    error: (message, options) => baseErrors.error("MODEL_NOT_FOUND", message, options),
    explain: () => "there is no such file",
  },
];

/** An error of loading `what` (a path, or "the model"). */
export function loadError(what: string, thrown: unknown): CupelError {
  const reason = reasonOf(thrown);
  for (const { says, error, explain } of loadRefusals) {
    const match = reason.match(says);
    if (match) {
      return error(`Could not load ${what}: ${explain(match)}.`, { details: { reason } });
    }
  }
  return runtimeErrors.error("MODEL_LOAD_FAILED", `Could not load ${what}: ${sentenceOf(reason)}`, {
    details: { reason },
  });
}

/** An error of running the graph. */
export function runError(thrown: unknown): CupelError {
  const reason = reasonOf(thrown);
  return runtimeErrors.error("RUN_FAILED", `The engine failed to run the graph: ${sentenceOf(reason)}`, {
    details: { reason },
  });
}

/** Drops the engine's own source position (`/path/file.cc:12 signature(...)`), which helps nobody here. */
function sentenceOf(reason: string): string {
  return reason
    .replace(/\S*\.(?:cc|h):\d+ [^\n]*?\)(?: const)? /g, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
}
