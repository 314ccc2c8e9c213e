/**
 * The gate of a server: nothing is loaded but what lies in a sealed folder that is as it was sealed, by somebody whom the
 * policy trusts, and is no step back.
 *
 *     find     the sealed folders around the model, up to the folder of models: all must hold
 *     policy   read anew, so that what is revoked in it counts at once
 *     verify   every file of the folder, unless nothing in it was touched since it was verified
 *     compare  the digests of the bytes that are loaded with those that are sealed
 *     admit    roots, revoked keys, and the latest seal that was seen
 *
 * Rules: 1. Whatever fails on the way is a refusal. 2. The bytes that are loaded are compared in every case: that a folder
 * is untouched spares only the reading of the files beside them. 3. No verdict without its record.
 */
import { hash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, relative, resolve, sep } from "node:path";
import {
  type CupelError,
  type EventFacts,
  type EventSink,
  errorFrom,
  type Gate,
  type GateFile,
  type GateRequest,
  type Progress,
  silentProgress,
  silentSink,
  type Verdict,
  type WorkEvent,
} from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { isSameDigest } from "../manifest/same-digest.ts";
import { walkFolder } from "../manifest/walk-folder.ts";
import { openPolicy, type Policy } from "../policy/open-policy.ts";
import { readSeenSeals } from "../policy/seen-seals.ts";
import type { SealVerdict } from "../seal/verify-seal.ts";
import { isInOrAt, sealedFoldersAbove, sealedFoldersIn } from "./sealed-folders.ts";
import { admitFolder, verifyFolder } from "./verify-folder.ts";

export interface AttestationGateOptions {
  /** Folder of models, or the one file: seals above it are not looked for. */
  readonly repository: string;
  /** Told of every verification and refusal; what it does not take is not let in. Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Told of folders above 250 MB. Default: none. */
  readonly progress?: Progress | undefined;
}

/** Verified in less than a second. Bytes. */
const untoldBytes = 250e6;

/**
 * @param policyFile see `openPolicy`
 * @throws POLICY_UNREADABLE, POLICY_INVALID, SEEN_SEALS_INVALID, FOLDER_UNREADABLE
 */
export async function openAttestationGate(
  policyFile: string,
  options: AttestationGateOptions,
): Promise<Required<Gate>> {
  const { state } = await openPolicy(policyFile);
  if (state !== null) await readSeenSeals(state);
  return new AttestationGate(policyFile, options);
}

interface Verified {
  /** The folder as the system knew it, and whose signatures count. */
  readonly key: string;
  readonly seal: SealVerdict;
}

class AttestationGate implements Required<Gate> {
  readonly #policyFile: string;
  readonly #repository: string;
  readonly #sink: EventSink;
  readonly #progress: Progress;
  /** By folder, the last that held. */
  readonly #verified = new Map<string, Verified>();
  /** By folder: its verifications, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** By what was asked for: the refusal that was recorded last. */
  readonly #told = new Map<string, string>();

  constructor(policyFile: string, { repository, sink = silentSink, progress }: AttestationGateOptions) {
    this.#policyFile = policyFile;
    this.#repository = resolve(repository);
    this.#sink = sink;
    this.#progress = onlyLarge(progress ?? silentProgress);
  }

  allow({ path, files }: GateRequest, signal?: AbortSignal): Promise<Verdict> {
    return this.#verdict(path, signal, async () => {
      const folders = await sealedFoldersAbove(path, await this.#root());
      if (folders.length === 0) throw unsealed(path, await this.#root());
      await this.#admit(folders, files, signal);
    });
  }

  allowFolder(path: string, signal?: AbortSignal): Promise<Verdict> {
    return this.#verdict(path, signal, async () => {
      const isFolder = (await stat(path)).isDirectory();
      const folders = isFolder ? await sealedFoldersIn(path) : await sealedFoldersAbove(path, dirname(path));
      await this.#admit(folders, [], signal);
    });
  }

  async #root(): Promise<string> {
    const isFolder = (await stat(this.#repository)).isDirectory();
    return isFolder ? this.#repository : dirname(this.#repository);
  }

  async #admit(
    folders: readonly string[],
    files: readonly GateFile[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const policy = await openPolicy(this.#policyFile);
    const seals: [string, SealVerdict][] = [];
    for (const folder of folders) {
      const seal = await this.#seal(folder, policy, signal);
      await assertSealed(folder, seal, files);
      seals.push([folder, seal]);
    }
    // What is refused for one reason leaves no trace of having been seen.
    for (const [folder, seal] of seals) await admitFolder(folder, policy, seal, signal);
  }

  /** One after the other, for they would only read the same files. */
  async #seal(folder: string, policy: Policy, signal: AbortSignal | undefined): Promise<SealVerdict> {
    const before = this.#turns.get(folder);
    const turn = (before ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#verify(folder, policy, signal));
    this.#turns.set(folder, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(folder) === turn) this.#turns.delete(folder);
    }
  }

  async #verify(folder: string, policy: Policy, signal: AbortSignal | undefined): Promise<SealVerdict> {
    const key = await stateKey(folder, policy, signal);
    const known = this.#verified.get(folder);
    if (known?.key === key) return known.seal;
    this.#verified.delete(folder);
    const seal = await verifyFolder(folder, policy, { signal, progress: this.#progress });
    await this.#sink.emit(verifiedEvent(folder, seal));
    if ((await stateKey(folder, policy, signal)) === key) this.#verified.set(folder, { key, seal });
    return seal;
  }

  async #verdict(path: string, signal: AbortSignal | undefined, ask: () => Promise<void>): Promise<Verdict> {
    try {
      await ask();
      this.#told.delete(path);
      return { allowed: true };
    } catch (thrown) {
      const error = errorFrom(thrown, signal);
      if (error.code === "CANCELLED" || error.code === "DEADLINE_EXCEEDED") throw error;
      // A server asks again and again; the record has it once.
      if (this.#told.get(path) !== error.message) await this.#sink.emit(refusedEvent(path, error));
      this.#told.set(path, error.message);
      return { allowed: false, reason: error.message, details: { ...error.details, reason: error.code } };
    }
  }
}

/**
 * The names of files are those they have when all links are followed; what a link led to when the bytes were taken does not
 * matter, for the bytes must be those of that name. @throws MODEL_UNSEALED
 */
async function assertSealed(
  folder: string,
  { files }: SealVerdict,
  loaded: readonly GateFile[],
): Promise<void> {
  const root = await realpath(folder);
  for (const { path, sha256 } of loaded) {
    const file = await realpath(path);
    const name = relative(root, file).split(sep).join("/");
    const sealed = isInOrAt(root, file) ? files.get(name) : undefined;
    if (sealed !== undefined && isSameDigest(sealed, sha256)) continue;
    const reason =
      sealed === undefined
        ? `${path} leads to ${file}, which is not among the files that are sealed in ${folder}. Put the file itself there, and seal again`
        : `What was read from ${path} is not what is sealed there: it was changed meanwhile. Try again when nothing writes there`;
    throw attestErrors.error("MODEL_UNSEALED", `${reason}.`, { details: { folder, path, sha256 } });
  }
}

/** Other after any write to anything in the folder, its seal included, and after any change of whose seals count. */
async function stateKey(folder: string, { trust }: Policy, signal: AbortSignal | undefined): Promise<string> {
  const { identities } = await walkFolder(await realpath(folder), nothingLeftOut, signal);
  const signers = [
    trust.keys.map(({ keyId }) => keyId),
    trust.certificates.map(({ fingerprint256 }) => fingerprint256),
    trust.roots,
  ];
  return hash("sha256", JSON.stringify([[...identities].sort(), signers]));
}

const nothingLeftOut = { exclude: new Set<string>(), ignore: new Set<string>() };

function onlyLarge(progress: Progress): Progress {
  return {
    start: (title, total, unit) =>
      (total !== undefined && total >= untoldBytes ? progress : silentProgress).start(title, total, unit),
  };
}

function unsealed(path: string, root: string) {
  return attestErrors.error(
    "SEAL_MISSING",
    `${path} is not sealed: neither its folder nor one around it, up to ${root}, has an attestation.json or a model.sig. Seal it with cupel seal.`,
    { details: { path } },
  );
}

const subject = { id: "attestation", role: "server" } as const;

function verifiedEvent(folder: string, { name, version, roots, signers, sequence }: SealVerdict): WorkEvent {
  const object = { model: name, version: version ?? "", digest: roots.sha256 };
  const context = {
    folder: basename(folder),
    signers: JSON.stringify(signers.map(({ by }) => by)),
    sequence: String(sequence),
  };
  return { action: "SEAL.VERIFY", severity: "INFO", subject, object, context };
}

function refusedEvent(path: string, error: CupelError): WorkEvent {
  const { differences } = error.details;
  const context: EventFacts = {
    code: error.code,
    reason: error.message,
    ...(differences === undefined ? {} : { differences: JSON.stringify(differences) }),
  };
  return {
    action: "SEAL.VERIFY.FAIL",
    severity: "CRITICAL",
    subject,
    object: { model: basename(path) },
    context,
  };
}
