/** `cupel verify`: is a folder what somebody sealed, and who was it? */
import { stat } from "node:fs/promises";
import { basename, dirname, relative, resolve } from "node:path";
import { attestErrors, describeDifference } from "@cupel/attest";
import {
  assertWritable,
  type CupelError,
  type EventFacts,
  errorFrom,
  writeFileAtomically,
} from "@cupel/base";
import { renderAttestation } from "@cupel/console";
import { invalid, text } from "../arguments/option.ts";
import { recordOptions } from "../audit/record-options.ts";
import { recordedAct } from "../audit/recorded-act.ts";
import { attestationPage } from "../seal/attestation-page.ts";
import { readTrust, trustOptions } from "../seal/key-options.ts";
import { figureLines, signerText } from "../seal/seal-text.ts";
import { type FolderVerdict, verifyFolder } from "../seal/verify-folder.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command, Result } from "./command.ts";

const pageOption = text({
  name: "page",
  placeholder: "FILE",
  summary: "Where a page for the browser goes: the verdict, signers, how the model was made, and every file",
});

export const verifyCommand: Command = {
  description:
    "Reads every file of DIR and compares it with what was sealed; each difference is named. Whom you trust is said with --key, --certificate or --root, and one of " +
    "them that stands behind the seal is enough. Nothing is asked of a network and nothing in DIR is changed. Exit status: 0 as it was sealed, 3 not as it was sealed, " +
    "4 sealed by none of those that you trust, 65 what cannot be read as a seal or a folder, 66 not there or not sealed.",
  operands: [{ name: "DIR|model.sig", summary: "The sealed folder, or the signature in it" }],
  options: [...Object.values(trustOptions), pageOption, ...Object.values(recordOptions)],
  examples: [
    { line: "cupel verify out/ --key ecdsa.pub", says: "by a public key" },
    {
      line: "cupel verify out/ --certificate authority.pem --page attestation.html",
      says: "by an authority, with a page",
    },
    { line: "cupel verify out/ --key ecdsa.pub --json | jq .differences", says: "for a program" },
  ],
  async run(given, context) {
    const path = given.operands[0]!;
    const isFile = (await stat(path).catch(() => null))?.isFile() === true;
    const folder = isFile ? dirname(path) : path;
    const signatureFile = isFile && basename(path) !== "attestation.json" ? basename(path) : "model.sig";
    const page = given.get(pageOption);
    if (page !== undefined) {
      if (!relative(folder, page).startsWith("..")) {
        throw invalid(
          "page",
          `lies in ${folder}, which would no longer be what was sealed. Write it elsewhere`,
        );
      }
      await assertWritable([page]);
    }
    const trust = await readTrust(given);
    return await recordedAct(given, context, async (tell) => {
      const { signal, progress, clock } = context;
      const tellFailure = (error: CupelError, object: EventFacts) =>
        tell({ action: "SEAL.VERIFY.FAIL", severity: "ERROR", object, context: { code: error.code } });
      let verdict: FolderVerdict;
      try {
        verdict = await verifyFolder(folder, signatureFile, trust, { signal, progress });
      } catch (thrown) {
        await tellFailure(errorFrom(thrown, signal), { folder: basename(resolve(folder)) });
        throw thrown;
      }
      const failure = failureOf(folder, verdict);
      if (failure !== null) await tellFailure(failure, objectOf(verdict));
      else await tell({ action: "SEAL.VERIFY", severity: "INFO", object: objectOf(verdict), context: {} });
      if (page !== undefined) {
        const document = attestationPage(folder, verdict, new Date(clock.now()).toISOString());
        await writeFileAtomically(page, await renderAttestation(document), { signal });
      }
      return { ...told(folder, verdict, page ?? null), failure };
    });
  },
};

function objectOf({ name, seal }: FolderVerdict): EventFacts {
  if (seal === null) return { model: name };
  return { model: name, digest: seal.roots.sha256, sequence: String(seal.sequence) };
}

function told(folder: string, verdict: FolderVerdict, page: string | null): Result {
  const { isValid, name, signers, differences, files, seal } = verdict;
  const sentences = differences.map(describeDifference);
  const version = seal?.version ?? null;
  const figures = seal?.origin?.figures ?? null;
  return {
    json: {
      folder,
      valid: isValid,
      name,
      version,
      sequence: seal?.sequence ?? null,
      sealedAt: seal?.sealedAt ?? null,
      roots: seal?.roots ?? null,
      signers,
      differences: differences.map((each, i) => ({ ...each, sentence: sentences[i] })),
      files,
      provenance: seal?.provenance ?? null,
      page,
    },
    text: [
      ...sentences,
      factsText([
        [
          isValid ? "valid" : "NOT VALID",
          `${folder}, ${numberOf(files, "file")}, sealed as ${name}${version === null ? "" : ` ${version}`}`,
        ],
        ...signers.map((each) => [`signer of ${each.signed}`, signerText(each)] as const),
        ...(seal === null
          ? []
          : ([
              ["sealed at", seal.sealedAt],
              ["SHA-256", seal.roots.sha256],
              ["SM3", seal.roots.sm3],
            ] as const)),
        ...(figures === null ? [] : [["claimed", figureLines(figures).join("\n")] as const]),
        ...(page === null ? [] : [["page", page] as const]),
      ]),
    ].join("\n"),
  };
}

/** Of differences that are many the first are in the message. */
const mostTold = 3;

function failureOf(folder: string, { differences }: FolderVerdict): CupelError | null {
  if (differences.length === 0) return null;
  const told = differences.slice(0, mostTold).map(describeDifference).join("; ");
  const more = differences.length > mostTold ? `; and ${differences.length - mostTold} more` : "";
  return attestErrors.error(
    "SEAL_BROKEN",
    `${folder} is not what was sealed: ${told}${more}. Do not use it; get it again from whoever sealed it.`,
    { details: { folder, differences } },
  );
}
