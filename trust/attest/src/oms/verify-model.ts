/** Is a model what its signer signed? Who signed is found first; no file of the model is opened before that is known. */
import { join } from "node:path";
import type { Difference } from "../manifest/compare-manifests.ts";
import type { DigestPoolOptions } from "../manifest/digest-pool.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { compareModel } from "./compare-model.ts";
import { gitPaths, modelSignatureFile } from "./default-exclusions.ts";
import { readModel, readSingleFile } from "./read-model.ts";
import { isIgnored, singleFilePath } from "./statement.ts";
import { type ModelTrust, type SignedStatement, verifyBundle } from "./verify-bundle.ts";

export interface VerifyModelOptions extends DigestPoolOptions {
  /**
   * Files and folders that are not looked at, besides those that the signer left out: signatures older than
   * model-signing 1.1 do not say which these were. What is signed is never left out. Default none.
   */
  readonly ignore?: readonly string[] | undefined;
  /** The path of the signature below the folder, which it does not sign. Default "model.sig". */
  readonly signatureFile?: string | undefined;
}

export interface ModelVerdict extends SignedStatement {
  /** Empty where the model is what was signed. */
  readonly differences: readonly Difference[];
  /** What was found, without what is not looked at. */
  readonly manifest: Manifest<"sha256">;
}

/**
 * @param folder of the model, or a file where the model is one
 * @param bundle the bytes of its signature
 * @throws as `verifyBundle` where it is not certain who signed what, and as `readManifest`
 */
export async function verifyModel(
  folder: string,
  bundle: Uint8Array,
  trust: ModelTrust,
  options: VerifyModelOptions = {},
): Promise<ModelVerdict> {
  const { ignore = [], signatureFile = modelSignatureFile } = options;
  const signed = await verifyBundle(bundle, trust, join(folder, signatureFile));
  const { resources, serialization } = signed.statement;
  const file = resources[0]?.path === singleFilePath ? await readSingleFile(folder, options) : null;
  const leftOut = [...ignore, ...gitPaths].filter(
    (path) => !resources.some((each) => isIgnored(each.path, [path])),
  );
  const model =
    file === null
      ? await readModel(folder, serialization.shardSize, {
          ...options,
          exclude: resources.some(({ path }) => path === signatureFile) ? [] : [signatureFile],
          ignore: [...serialization.ignorePaths, ...leftOut].filter((path) => path !== signatureFile),
        })
      : { manifest: [file], shards: null };
  return { ...signed, differences: compareModel(signed.statement, model), manifest: model.manifest };
}
