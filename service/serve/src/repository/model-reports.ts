/**
 * Finds the report of a version: a `.report.json` in the folder that its bytes were taken from, which names their SHA-256
 * as the model that was made. One of other bytes, such as those before a reload, is not its report.
 *
 *     look      NAME.report.json beside NAME.onnx, then the others
 *     read      unless the file is as it was, and of another model
 *     compare   the digest in it with that of the version
 *     gate      may these bytes be told? Asked once for a file as it is
 */
import { hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type CupelError, type Gate, readRegular, throwIfCancelled } from "@cupel/base";
import {
  type ModelReport,
  type ModelReports,
  type ReportedVersion,
  reportMissing,
} from "../core/model-report.ts";
import { serveErrors } from "../errors.ts";
import { stateOf } from "./content.ts";

export interface ModelReportsOptions {
  readonly gate: Gate;
}

/** Bytes. A report of a thousand layers has about 30 MB. */
const longestReport = 2 ** 26;
/** Reports beside one model that are looked at. */
const mostReports = 32;
/** Files of which it is kept what they are. */
const mostKnown = 256;
/** Before the gate is asked again of a file that it refused, and that is as it was. */
const refusedMs = 5_000;

const extension = ".report.json";

/** A file in the state that it had when it was read. */
interface Known {
  readonly state: string;
  readonly sha256: string;
  /** SHA-256 of the model that it is of; null where it is no report. */
  readonly of: string | null;
  /** Held only while somebody is being answered with it. */
  bytes: WeakRef<Buffer>;
  /** Of the gate. */
  verdict: { readonly refusal: CupelError | null; readonly at: number } | null;
}

export function createModelReports({ gate }: ModelReportsOptions): ModelReports {
  const files = new Map<string, Known>();

  function know(path: string, state: string, bytes: Buffer): Known {
    const bare = { state, sha256: hash("sha256", bytes), of: modelOf(bytes) };
    const known: Known = { ...bare, bytes: new WeakRef(bytes), verdict: null };
    files.delete(path);
    for (const oldest of files.keys()) {
      if (files.size < mostKnown) break;
      files.delete(oldest);
    }
    files.set(path, known);
    return known;
  }

  /** Null where it is not of that model. */
  async function read(path: string, digest: string): Promise<{ known: Known; bytes: Buffer } | null> {
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : null),
      () => null,
    );
    if (size === null || size > longestReport) return null;
    // Of before it is read: what is written meanwhile makes another state.
    const state = await stateOf(path, []);
    const last = files.get(path);
    const known = last?.state === state ? last : null;
    if (known !== null && known.of !== digest) return null;
    const held = known?.bytes.deref();
    if (known !== null && held !== undefined) return { known, bytes: held };
    const bytes = await readRegular(path).catch(() => null);
    if (bytes === null) return null;
    const its = known?.sha256 === hash("sha256", bytes) ? known : know(path, state, bytes);
    its.bytes = new WeakRef(bytes);
    return its.of === digest ? { known: its, bytes } : null;
  }

  async function assertAllowed(path: string, known: Known, signal: AbortSignal): Promise<void> {
    const { verdict: last } = known;
    const isDue = last === null || (last.refusal !== null && performance.now() - last.at > refusedMs);
    if (isDue) {
      const request = { path, files: [{ path, sha256: known.sha256 }] };
      const verdict = await gate.allow(request, signal);
      const refusal = verdict.allowed ? null : refused(basename(path), verdict.reason);
      known.verdict = { refusal, at: performance.now() };
    }
    if (known.verdict?.refusal) throw known.verdict.refusal;
  }

  return {
    async of(version, signal): Promise<ModelReport> {
      for (const name of await namesBeside(version)) {
        throwIfCancelled(signal, "Reading the report");
        const path = join(dirname(version.origin), name);
        const found = await read(path, version.digest);
        if (found === null) continue;
        await assertAllowed(path, found.known, signal);
        return { name, bytes: found.bytes };
      }
      throw reportMissing(version);
    },
  };
}

/** Its namesake first. */
async function namesBeside({ origin }: ReportedVersion): Promise<string[]> {
  const found = await readdir(dirname(origin)).catch((): string[] => []);
  const own = `${basename(origin, ".onnx")}${extension}`;
  const others = found.filter((name) => name.endsWith(extension) && name !== own).sort();
  return [...(found.includes(own) ? [own] : []), ...others].slice(0, mostReports);
}

function modelOf(bytes: Buffer): string | null {
  try {
    const report: unknown = JSON.parse(bytes.toString("utf8"));
    const format = memberOf(report, "format");
    const digest = memberOf(memberOf(report, "compressed"), "sha256");
    const isReport = typeof format === "string" && format.startsWith("cupel-report/");
    return isReport && typeof digest === "string" ? digest : null;
  } catch {
    return null;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function refused(name: string, reason: string): CupelError {
  return serveErrors.error("REPORT_REFUSED", `The report ${name} was refused: ${reason}`, {
    details: { name },
  });
}
