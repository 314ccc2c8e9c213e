/** A folder of models with keys and a policy beside it. What lies in it is no model: a gate looks at bytes. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSigningKey, type SigningKey, sealFolder } from "@cupel/attest";
import { createRandom, openTemporaryFolder, type Verdict } from "@cupel/base";
import { openAttestationGate } from "../../src/gate/attestation-gate.ts";

export interface Signer extends SigningKey {
  readonly privateKeyPem: string;
}

export async function drawSigner(): Promise<Signer> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { ...(await openSigningKey(Buffer.from(privateKeyPem))), privateKeyPem };
}

export function drawBytes(seed: number, count = 1000): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({ length: count }, () => random.integer(256)));
}

export const policyWith = (signers: readonly Signer[], more: object = {}) => ({
  signers: signers.map(({ publicKeyPem }) => ({ key: publicKeyPem })),
  state: "seen.json",
  ...more,
});

export class Models implements AsyncDisposable {
  readonly path: string;
  readonly policyFile: string;
  readonly #temporary: AsyncDisposable;

  private constructor(temporary: AsyncDisposable & { readonly path: string }) {
    this.#temporary = temporary;
    this.path = join(temporary.path, "models");
    this.policyFile = join(temporary.path, "policy.json");
  }

  /** With a model in m/, of weights in a file of their own and labels beside it. */
  static async open(): Promise<Models> {
    const models = new Models(await openTemporaryFolder("attest-gate"));
    await models.put("m/model.onnx", drawBytes(1));
    await models.put("m/weights/model.data", drawBytes(2));
    await models.put("m/labels.txt", Buffer.from("dark\nbright\n"));
    return models;
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(this.at(name)), { recursive: true });
    await writeFile(this.at(name), bytes);
  }

  async seal(folder: string, key: SigningKey, name = "m") {
    return await sealFolder(this.at(folder), { keys: [key], name });
  }

  async policy(content: object): Promise<void> {
    await writeFile(this.policyFile, JSON.stringify(content));
  }

  /** As a server that copied the files as they are now. */
  async request(path = "m/model.onnx", weights: readonly string[] = ["m/weights/model.data"]) {
    const names = [path, ...weights];
    const files = names.map(async (name) => {
      const sha256 = createHash("sha256")
        .update(await readFile(this.at(name)))
        .digest("hex");
      return { path: this.at(name), sha256 };
    });
    return { path: this.at(path), files: await Promise.all(files) };
  }

  gate(options: Omit<Parameters<typeof openAttestationGate>[1], "repository"> = {}) {
    return openAttestationGate(this.policyFile, { repository: this.path, ...options });
  }

  /** Of a gate that was opened now. */
  async ask(...asked: Parameters<Models["request"]>): Promise<Verdict> {
    return await (await this.gate()).allow(await this.request(...asked));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temporary[Symbol.asyncDispose]();
  }
}

/** The code of a refusal; "" of what is let in. */
export function refusalOf(verdict: Verdict): unknown {
  return verdict.allowed ? "" : verdict.details?.reason;
}
