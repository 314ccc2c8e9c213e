/** How a version was made: the report that `cupel compress` and `cupel report` write beside the model. */
import { serveErrors } from "../errors.ts";
import type { ModelVersion } from "../repository/model-version.ts";

export interface ModelReport {
  /** Of its file, without folders. */
  readonly name: string;
  /** JSON, as it lies beside the model. */
  readonly bytes: Buffer;
}

export interface ReportedVersion extends Pick<ModelVersion, "model" | "version" | "digest"> {
  /** The path that its bytes were taken from. */
  readonly origin: string;
}

export interface ModelReports {
  /** @throws REPORT_MISSING, REPORT_REFUSED, CANCELLED, DEADLINE_EXCEEDED */
  of(version: ReportedVersion, signal: AbortSignal): Promise<ModelReport>;
}

export const noReports: ModelReports = {
  of: async (version) => {
    throw reportMissing(version);
  },
};

export function reportMissing({ model, version }: Pick<ReportedVersion, "model" | "version">) {
  return serveErrors.error(
    "REPORT_MISSING",
    `No report of version ${version} of the model "${model}" lies beside it. Copy the .report.json that cupel compress wrote for these very bytes to the model's folder.`,
    { details: { model, version }, withoutStack: true },
  );
}
