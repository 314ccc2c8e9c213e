/** Pages, from data to HTML: one function a folder of `pages/`. Those about environments are in env-pages.ts. */
import type { Profile } from "@cupel/profile";
import type { CompressionReport } from "@cupel/report";
import { renderPage } from "./render-page.ts";

/** The lists behind the heat maps are only ever seen as colours: four digits make the file half as large. */
const COLOUR_DIGITS = 4;

/**
 * The whole page for one report, as HTML text to write to a file.
 *
 * The figures can be read back from the element `#report` as JSON: all of them exact but `channelError`
 * and `maps`, rounded to four digits. Numbers JSON cannot hold (NaN, infinities) become null and are
 * shown as missing.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderReport(report: CompressionReport): Promise<string> {
  const data: CompressionReport = {
    ...report,
    layers: report.layers.map((layer) => ({ ...layer, channelError: shortened(layer.channelError) })),
    spatial: {
      ...report.spatial,
      layers: report.spatial.layers.map((layer) => ({ ...layer, maps: layer.maps.map(shortened) })),
    },
  };
  return renderPage("report", { title: `${report.compressed.file}: compression report`, data });
}

function shortened(figures: readonly number[]): number[] {
  // A report read back from JSON holds null for what was no number.
  return figures.map((figure) =>
    Number.isFinite(figure) ? Number(figure.toPrecision(COLOUR_DIGITS)) : figure,
  );
}

/** What the page holds, as JSON in the element `#profile`. */
export interface ProfileDocument extends Profile {
  readonly format: "cupel-profile/1";
  readonly title: string;
}

/**
 * The whole page for one profile, as HTML text to write to a file: a flame graph and the slowest nodes.
 * @param title what was run: "resnet18, 20 steps"
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderProfile({ tree, slowest }: Profile, title: string): Promise<string> {
  const data: ProfileDocument = { format: "cupel-profile/1", title, tree, slowest };
  return renderPage("profile", { title: `${title}: profile`, data });
}

/** What the page holds, as JSON in the element `#server`: it asks the server for all else. */
export interface ServerDocument {
  readonly format: "cupel-server-page/1";
}

/**
 * The console of a server, to be sent by it at `/` with `policyOf` it as a header. It has nothing of a server in it, and
 * asks the one that it came from.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderServer(): Promise<string> {
  const data: ServerDocument = { format: "cupel-server-page/1" };
  return renderPage("server", { title: "Cupel server", data });
}

/** A median of runs and its 95 % interval, which fewer than six runs do not have: null. */
export interface MedianFigure {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** One way to ask: a row. Times in ms, shares as fractions. */
export interface ProtocolsCell {
  /** "grpc, h2 x 64, bbr" */
  readonly name: string;
  readonly protocol: string;
  readonly connections: string;
  /** What else differs, such as "bbr, TLS". */
  readonly else: string;
  readonly mean: MedianFigure;
  readonly p50: MedianFigure;
  readonly p99: MedianFigure;
  readonly failed: number;
  readonly bytes: number | null;
  readonly packets: number | null;
  readonly made: number | null;
  readonly extraSends: number;
  readonly isPunctual: boolean;
  /** Per cent, and the latency that so many requests are within. */
  readonly curve: readonly (readonly [percent: number, ms: number])[];
  /** Of each deadline the share of requests without a good answer by then. */
  readonly missed: readonly (readonly [deadlineMs: number, share: number])[];
}

export interface ProtocolsLink {
  readonly name: string;
  /** How the link was measured, and what came of it. */
  readonly verification: readonly (readonly [name: string, text: string])[];
  readonly advice: readonly { readonly title: string; readonly text: string }[];
  readonly cells: readonly ProtocolsCell[];
}

/** A table of texts; the first column names its rows. */
export interface ProtocolsTable {
  readonly title: string;
  readonly intro: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What the page holds, as JSON in the element `#protocols`. */
export interface ProtocolsDocument {
  readonly format: "cupel-protocols-page/1";
  /** "150 ms round trip, ..." */
  readonly scenario: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** No link was emulated: said first, and at every table. */
  readonly isDelayOnly: boolean;
  readonly environment: readonly (readonly [name: string, text: string])[];
  readonly links: readonly ProtocolsLink[];
  readonly tables: readonly ProtocolsTable[];
}

/**
 * The whole page for one comparison of protocols, as HTML text to write to a file.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderProtocols(comparison: Omit<ProtocolsDocument, "format">): Promise<string> {
  const data: ProtocolsDocument = { format: "cupel-protocols-page/1", ...comparison };
  return renderPage("protocols", { title: `${comparison.scenario}: protocols compared`, data });
}

/** Shares are fractions, and points a difference of two such; a ratio is of the model over its original. */
export type AttestedUnit = "share" | "points" | "dB" | "number" | "bytes" | "ratio";

export interface AttestedFigures {
  readonly measured: readonly {
    readonly name: string;
    readonly unit: AttestedUnit;
    readonly original: number | null;
    readonly compressed: number | null;
    readonly of: string;
  }[];
  readonly differences: readonly {
    readonly name: string;
    readonly unit: AttestedUnit;
    readonly value: number | null;
    readonly interval: { readonly low: number; readonly high: number } | null;
    readonly of: string;
  }[];
}

export interface AttestedOrigin {
  /** Name of the model that was compressed. */
  readonly source: string;
  readonly sourceDigest: string;
  /** Path in the folder. */
  readonly model: string;
  readonly tool: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly report: string;
  readonly reportDigest: string;
  readonly command: string | null;
  /** As it is to be shown. */
  readonly recipe: string | null;
  readonly figures: AttestedFigures | null;
}

export interface AttestedEntry {
  readonly path: string;
  /** Bytes; null of what is no file. */
  readonly size: number | null;
  /** Of a file its SHA-256, of anything else what it is. */
  readonly about: string;
}

/** What the page holds, as JSON in the element `#attestation`. */
export interface AttestationDocument {
  readonly format: "cupel-attestation-page/1";
  readonly folder: string;
  readonly name: string;
  readonly version: string | null;
  readonly isValid: boolean;
  /** Sentences. */
  readonly differences: readonly string[];
  readonly signers: readonly { readonly signed: string; readonly by: string }[];
  readonly sequence: number;
  /** ISO 8601, UTC. */
  readonly sealedAt: string;
  /** ISO 8601, UTC. */
  readonly verifiedAt: string;
  /** In hex. */
  readonly roots: { readonly sha256: string; readonly sm3: string };
  /** Null where it is not told. */
  readonly origin: AttestedOrigin | null;
  readonly files: readonly AttestedEntry[];
}

/**
 * The whole page for one verified seal, as HTML text to write to a file.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderAttestation(attestation: Omit<AttestationDocument, "format">): Promise<string> {
  const data: AttestationDocument = { format: "cupel-attestation-page/1", ...attestation };
  return renderPage("attestation", { title: `${attestation.name}: attestation`, data });
}
