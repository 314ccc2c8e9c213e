/** A small model, who signs it, and statements over it as somebody else would write them. */
import { hash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, type TemporaryFolder } from "@cupel/base";
import { type ModelTrust, openSigningKey, type SigningKey } from "../../src/index.ts";
import { formatBundle } from "../../src/signature/bundle.ts";
import { signEnvelope } from "../../src/signature/dsse.ts";
import { verificationKeyOf } from "../../src/signature/signing-key.ts";
import { issue } from "./certificates.ts";

export const authority = issue({ ca: true });
export const signer = issue({ by: authority });
export const key = await openSigningKey(signer.keyPem);
export const trust: ModelTrust = { publicKeys: [verificationKeyOf(signer.certificate.publicKey, "a test")] };
export const byCertificate: ModelTrust = { certificates: [authority.certificate] };

export async function modelFolder(): Promise<TemporaryFolder> {
  const folder = await openTemporaryFolder("model");
  await mkdir(join(folder.path, "weights"));
  await writeFile(join(folder.path, "config.json"), "{}\n");
  await writeFile(join(folder.path, "weights/one.bin"), "0123456789");
  await writeFile(join(folder.path, "weights/two.bin"), "abcdefghij");
  await writeFile(join(folder.path, "empty.txt"), "");
  return folder;
}

export const signature = (folder: TemporaryFolder) => readFile(join(folder.path, "model.sig"));

/** SHA-256 of "0123456789", and of "abcdefghij". */
export const digits = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
export const letters = "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0";

/** A bundle over the payload, right in all but what the payload says. */
export function signed(payload: string, by: SigningKey = key): Buffer {
  return formatBundle({ kind: "publicKey", hint: by.keyId }, signEnvelope(by, Buffer.from(payload)));
}

interface Resource {
  name: string;
  algorithm?: string | undefined;
  digest?: string | undefined;
}

/** A statement, as somebody else would write it. */
export function statement(
  resources: readonly Resource[],
  serialization: object = {},
  more: object = {},
): string {
  const all = resources.map((each) => ({ algorithm: "sha256", digest: digits, ...each }));
  const sum = hash("sha256", Buffer.from(all.map(({ digest }) => digest ?? "").join(""), "hex"));
  return JSON.stringify({
    predicate: {
      resources: all,
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false, ...serialization },
    },
    predicateType: "https://model_signing/signature/v1.0",
    subject: [{ name: "model", digest: { sha256: sum } }],
    _type: "https://in-toto.io/Statement/v1",
    ...more,
  });
}

export const two = [{ name: "weights/one.bin" }, { name: "weights/two.bin", digest: letters }];
export const shards = { method: "shards", shard_size: 4 };
