/** How a model was made, in the words of SLSA and CycloneDX, from a report of a compression; and reports that are refused. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { isReport, sealFolder, verifySeal } from "../../src/index.ts";
import { keyPair } from "../support/keys.ts";

const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");
const model = "weights of the small model";

/** The members that are read, as model/report/src/report-schema.ts declares them. */
const report = {
  format: "cupel-report/4",
  createdAt: "2026-11-20T10:00:00.000Z",
  environment: {
    cupel: "0.1.0",
    node: "26.10.0",
    engine: "1.30.0",
    cpu: "a CPU",
    cores: 2,
    features: ["avx2"],
  },
  seed: 7,
  command: "cupel compress big.onnx --images calib/ -o small.onnx",
  data: { evaluation: { location: "val/", images: 5000, labelled: true }, calibration: "calib/" },
  preprocessing: { setting: "preset=unit", origin: "given", remark: null },
  task: "classification",
  recipe: { quantize: { bits: 8 } },
  original: { file: "big.onnx", bytes: 1000, sha256: "a".repeat(64) },
  compressed: { file: "small.onnx", bytes: model.length, sha256: sha256(model) },
  timeRatio: { value: 0.4, low: 0.35, high: 0.45 },
  accuracy: {
    images: 5000,
    top1: { original: 0.975, compressed: 0.972 },
    top5: null,
    difference: { value: -0.003, low: -0.006, high: 0 },
  },
  agreement: { count: 4900, of: 5000, value: 0.98, low: 0.976, high: 0.984 },
  taskFigures: null,
};
const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));

async function modelFolder() {
  const folder = await openTemporaryFolder("seal");
  await writeFile(join(folder.path, "small.onnx"), model);
  return folder;
}

const { signing, verification } = await keyPair("P-256");

test("what a report claims is signed, and shown again by whoever verifies", async () => {
  await using folder = await modelFolder();
  const bytes = bytesOf(report);
  const options = {
    keys: [signing],
    name: "parts",
    version: "3",
    report: { bytes, name: "small.report.json" },
  };
  await sealFolder(folder.path, options);
  const { provenance, origin, bom } = await verifySeal(folder.path, { keys: [verification] });
  const figures = {
    measured: [
      { name: "top-1 accuracy", unit: "share", original: 0.975, compressed: 0.972, of: "5,000 images" },
      { name: "size", unit: "bytes", original: 1000, compressed: model.length, of: "" },
    ],
    differences: [
      {
        name: "top-1 accuracy",
        unit: "points",
        value: -0.003,
        interval: { low: -0.006, high: 0 },
        of: "5,000 images",
      },
      {
        name: "same prediction",
        unit: "share",
        value: 0.98,
        interval: { low: 0.976, high: 0.984 },
        of: "5,000 images",
      },
      { name: "time of a run", unit: "ratio", value: 0.4, interval: { low: 0.35, high: 0.45 }, of: "" },
    ],
  };
  // https://slsa.dev/spec/v1.0/provenance#schema: the required members, by hand.
  assert.deepEqual(provenance, {
    buildDefinition: {
      buildType: "https://github.com/cupel-vision/cupel/compress/v1",
      externalParameters: {
        command: report.command,
        recipe: report.recipe,
        data: report.data,
        preprocessing: report.preprocessing,
        seed: 7,
      },
      internalParameters: { cpu: "a CPU", cores: 2, features: ["avx2"] },
      resolvedDependencies: [{ name: "big.onnx", digest: { sha256: "a".repeat(64) } }],
    },
    runDetails: {
      builder: {
        id: "https://github.com/cupel-vision/cupel",
        version: { cupel: "0.1.0", node: "26.10.0", engine: "1.30.0" },
      },
      metadata: { finishedOn: report.createdAt },
      byproducts: [
        {
          name: "small.report.json",
          digest: { sha256: sha256(bytes) },
          mediaType: "application/json",
          annotations: {
            model: { file: "small.onnx", sha256: sha256(model) },
            task: "classification",
            figures,
          },
        },
      ],
    },
  });
  assert.deepEqual(origin?.figures, figures);
  assert.deepEqual([origin?.model, origin?.source.name], ["small.onnx", "big.onnx"]);
  assert.deepEqual(handCheckedCycloneDx(bom), []);

  const attestation = await readFile(join(folder.path, "attestation.json"), "utf8");
  await writeFile(
    join(folder.path, "attestation.json"),
    attestation.replaceAll('"compressed":0.972', '"compressed":0.979'),
  );
  await assert.rejects(verifySeal(folder.path, { keys: [verification] }), { code: "ATTESTATION_INVALID" });
});

test("a model and its weights in a file of their own are both what the report is of", async () => {
  await using folder = await modelFolder();
  const weights = "weights apart";
  const files = [
    { file: "small.onnx", sha256: sha256(model) },
    { file: "small.0123.data", sha256: sha256(weights) },
  ];
  // As sha256sum(1) prints them.
  const both = sha256(files.map((each) => `${each.sha256}  ${each.file}\n`).join(""));
  const sealed = (told: object) => {
    const bytes = bytesOf({ ...report, compressed: { ...report.compressed, ...told } });
    return sealFolder(folder.path, { keys: [signing], report: { bytes, name: "r.json" } });
  };
  const foreign = {
    code: "REPORT_FOREIGN",
    message: /weights \(.*small\.0123\.data.*\) are not beside it, or are others/,
  };
  await assert.rejects(sealed({ sha256: both, files }), foreign);
  await writeFile(join(folder.path, "small.0123.data"), "other weights");
  await assert.rejects(sealed({ sha256: both, files }), foreign);
  await writeFile(join(folder.path, "small.0123.data"), weights);
  await assert.rejects(sealed({ sha256: sha256(model), files }), { code: "REPORT_INVALID" });
  await assert.rejects(sealed({ sha256: both, files: [] }), { code: "REPORT_INVALID" });
  await sealed({ sha256: both, files });
  const { origin } = await verifySeal(folder.path, { keys: [verification] });
  assert.equal(origin?.model, "small.onnx");
});

test("figures of other tasks and none at all are taken as they are", async () => {
  await using folder = await modelFolder();
  const figure = { name: "mean IoU", unit: "share", original: 0.8, compressed: null, of: "32 images" };
  const taskFigures = { measured: [figure], differences: [] };
  const other = { ...report, accuracy: null, agreement: null, taskFigures, task: "segmentation" };
  await sealFolder(folder.path, { keys: [signing], report: { bytes: bytesOf(other), name: "r.json" } });
  const { origin, bom } = await verifySeal(folder.path, { keys: [verification] });
  assert.deepEqual(origin?.figures?.measured[0], figure);
  assert.deepEqual(handCheckedCycloneDx(bom), []);
  await sealFolder(folder.path, { keys: [signing] });
  const without = await verifySeal(folder.path, { keys: [verification] });
  assert.deepEqual([without.provenance, without.origin], [null, null]);
  assert.deepEqual(handCheckedCycloneDx(without.bom), []);
});

test("a report of another model, of another version, or damaged is refused, and nothing is written", async () => {
  await using folder = await modelFolder();
  const refused = async (bytes: Buffer, code: string) => {
    const sealing = sealFolder(folder.path, { keys: [signing], report: { bytes, name: "r.json" } });
    await assert.rejects(sealing, (thrown) => thrown instanceof CupelError && thrown.code === code);
    await assert.rejects(verifySeal(folder.path, { keys: [verification] }), { code: "SEAL_MISSING" });
  };
  await refused(
    bytesOf({ ...report, compressed: { ...report.compressed, sha256: "b".repeat(64) } }),
    "REPORT_FOREIGN",
  );
  await refused(bytesOf({ ...report, format: "cupel-report/3" }), "REPORT_INVALID");
  await refused(bytesOf({ ...report, timeRatio: null }), "REPORT_INVALID");
  await refused(bytesOf({ ...report, accuracy: { images: "many" } }), "REPORT_INVALID");
  await refused(Buffer.from("{"), "REPORT_INVALID");
  assert.deepEqual(
    [isReport(bytesOf(report)), isReport(Buffer.from("[]")), isReport(Buffer.from("{"))],
    [true, false, false],
  );
});

/**
 * What CycloneDX 1.7 (bom-1.7.schema.json) demands of the members that are written, checked by hand: which may be there,
 * which must, and the values of enumerations. @returns what is wrong
 */
function handCheckedCycloneDx(bom: unknown): string[] {
  const wrong: string[] = [];
  const object = (value: unknown, at: string, allowed: readonly string[], required: readonly string[]) => {
    const found: Record<string, unknown> = Object.fromEntries(Object.entries(value ?? {}));
    for (const name of Object.keys(found)) if (!allowed.includes(name)) wrong.push(`${at} has ${name}`);
    for (const name of required) if (!Object.hasOwn(found, name)) wrong.push(`${at} lacks ${name}`);
    return found;
  };
  const list = (value: unknown) => (Array.isArray(value) ? value : []);
  const texts = (found: Record<string, unknown>, at: string) => {
    for (const [name, value] of Object.entries(found)) {
      if (name !== "confidenceInterval" && typeof value !== "string") wrong.push(`${at}.${name} is no text`);
    }
  };
  const references = new Set<unknown>();
  const component = (value: unknown, at: string) => {
    const names = ["type", "bom-ref", "name", "version", "hashes", "modelCard", "components", "properties"];
    const found = object(value, at, names, ["type", "name"]);
    if (!["machine-learning-model", "file"].includes(String(found.type))) wrong.push(`${at}.type`);
    if (references.has(found["bom-ref"])) wrong.push(`${at} has the bom-ref of another`);
    references.add(found["bom-ref"]);
    for (const each of list(found.hashes)) {
      const { alg, content } = object(each, `${at}.hashes`, ["alg", "content"], ["alg", "content"]);
      if (alg !== "SHA-256" || !/^[a-fA-F0-9]{64}$/.test(String(content))) wrong.push(`${at}.hashes`);
    }
    for (const each of list(found.properties)) texts(object(each, at, ["name", "value"], ["name"]), at);
    if (found.modelCard !== undefined) {
      const card = object(found.modelCard, "modelCard", ["modelParameters", "quantitativeAnalysis"], []);
      texts(object(card.modelParameters, "modelParameters", ["task"], []), "modelParameters");
      const { performanceMetrics } = object(
        card.quantitativeAnalysis,
        "analysis",
        ["performanceMetrics"],
        [],
      );
      for (const each of list(performanceMetrics)) {
        const metric = object(each, "metric", ["type", "value", "slice", "confidenceInterval"], []);
        texts(metric, "metric");
        texts(object(metric.confidenceInterval, "interval", ["lowerBound", "upperBound"], []), "interval");
      }
    }
    for (const [i, each] of list(found.components).entries()) component(each, `${at}.components[${i}]`);
  };
  const root = object(
    bom,
    "bom",
    ["bomFormat", "specVersion", "version", "metadata"],
    ["bomFormat", "specVersion"],
  );
  if (root.bomFormat !== "CycloneDX" || root.specVersion !== "1.7") wrong.push("format");
  const metadata = object(root.metadata, "metadata", ["timestamp", "component"], []);
  if (Number.isNaN(Date.parse(String(metadata.timestamp)))) wrong.push("timestamp");
  component(metadata.component, "component");
  return wrong;
}
