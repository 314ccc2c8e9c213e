/**
 * The bill of materials of a sealed model, in CycloneDX 1.7: a component of the type machine-learning-model, with a model
 * card that has the figures of its report, and in it the files, each with its SHA-256. CycloneDX knows no SM3 and no
 * Merkle tree: those stand among the properties.
 *
 * https://cyclonedx.org/docs/1.7/json/
 */
import type { Manifest } from "../manifest/manifest.ts";
import type { ManifestRoots } from "../manifest/merkle-root.ts";
import type { Provenance } from "./provenance.ts";
import type { Figures } from "./report-figures.ts";

export interface BomOptions {
  readonly name: string;
  readonly version: string | null;
  /** ISO 8601, UTC. */
  readonly sealedAt: string;
  readonly manifest: Manifest;
  readonly roots: ManifestRoots;
  readonly provenance: Provenance | null;
}

export function mlBom({ name, version, sealedAt, manifest, roots, provenance }: BomOptions) {
  const files = manifest.filter((entry) => entry.kind === "file");
  const component = {
    type: "machine-learning-model",
    "bom-ref": "model",
    name,
    ...(version === null ? {} : { version }),
    ...(provenance === null ? {} : { hashes: sha256(provenance.model.sha256) }),
    ...(provenance === null
      ? {}
      : {
          modelCard: {
            modelParameters: { task: provenance.task },
            quantitativeAnalysis: { performanceMetrics: metrics(provenance.figures) },
          },
        }),
    ...(files.length === 0
      ? {}
      : {
          components: files.map(({ path, sha256: digest, sm3 }, index) => ({
            type: "file",
            "bom-ref": `file-${index}`,
            name: path,
            hashes: sha256(digest),
            properties: [{ name: "cupel:sm3", value: sm3 }],
          })),
        }),
    properties: [
      { name: "cupel:tree:sha256", value: roots.sha256 },
      { name: "cupel:tree:sm3", value: roots.sm3 },
    ],
  };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.7",
    version: 1,
    metadata: { timestamp: sealedAt, component },
  };
}

function sha256(content: string) {
  return [{ alg: "SHA-256", content }];
}

/** All values of CycloneDX are texts. */
function metrics({ measured, differences }: Figures) {
  const sliced = (of: string) => (of === "" ? {} : { slice: of });
  return [
    ...measured.flatMap(({ name, compressed, of }) =>
      compressed === null ? [] : [{ type: name, value: String(compressed), ...sliced(of) }],
    ),
    ...differences.flatMap(({ name, value, interval, of }) =>
      value === null
        ? []
        : [
            {
              type: `${name}, against the original`,
              value: String(value),
              ...sliced(of),
              ...(interval && {
                confidenceInterval: { lowerBound: String(interval.low), upperBound: String(interval.high) },
              }),
            },
          ],
    ),
  ];
}
