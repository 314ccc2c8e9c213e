/** `cupel verify`: is a folder what somebody sealed, and who was it? */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { attestErrors, describeDifference, type SealVerdict, verifySeal } from "@cupel/attest";
import { assertWritable, type CupelError, errorFrom, writeFileAtomically } from "@cupel/base";
import { renderAttestation } from "@cupel/console";
import { text } from "../arguments/option.ts";
import { recordOptions } from "../audit/record-options.ts";
import { recordedAct } from "../audit/recorded-act.ts";
import { attestationPage } from "../seal/attestation-page.ts";
import { readTrust, trustOptions } from "../seal/key-options.ts";
import { figureLines, signerText } from "../seal/seal-text.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

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
    const page = given.get(pageOption);
    if (page !== undefined) await assertWritable([page]);
    const trust = await readTrust(given);
    return await recordedAct(given, context, async (tell) => {
      const { signal, progress, clock } = context;
      const tellFailure = (error: CupelError, object: Readonly<Record<string, string>>) =>
        tell({ action: "SEAL.VERIFY.FAIL", severity: "ERROR", object, context: { code: error.code } });
      let verdict: SealVerdict;
      try {
        verdict = await verifySeal(folder, trust, { signal, progress });
      } catch (thrown) {
        await tellFailure(errorFrom(thrown, signal), {});
        throw thrown;
      }
      const { name, version, sequence, sealedAt, roots, signers, files, origin } = verdict;
      const object = { model: name, digest: roots.sha256 };
      const failure = failureOf(folder, verdict);
      if (failure !== null) await tellFailure(failure, object);
      else {
        const signer = signers.map(signerText).join(", ");
        await tell({
          action: "SEAL.VERIFY",
          severity: "INFO",
          object,
          context: { signer, sequence: String(sequence) },
        });
      }
      if (page !== undefined) {
        const document = attestationPage(folder, verdict, new Date(clock.now()).toISOString());
        await writeFileAtomically(page, await renderAttestation(document), { signal });
      }
      const sentences = verdict.differences.map(describeDifference);
      return {
        json: {
          folder,
          valid: verdict.isValid,
          name,
          version,
          sequence,
          sealedAt,
          roots,
          signers,
          differences: verdict.differences.map((each, i) => ({ ...each, sentence: sentences[i] })),
          files: files.size,
          provenance: verdict.provenance,
          page: page ?? null,
        },
        text: [
          ...sentences,
          factsText([
            [
              verdict.isValid ? "valid" : "NOT VALID",
              `${folder}, ${numberOf(files.size, "file")}, sealed as ${name}${version === null ? "" : ` ${version}`}`,
            ],
            ["sealed at", sealedAt],
            ...signers.map((each) => [`signer of ${each.signed}`, signerText(each)] as const),
            ["SHA-256", roots.sha256],
            ["SM3", roots.sm3],
            ...(origin === null || origin.figures === null
              ? []
              : [["claimed", figureLines(origin.figures).join("\n")] as const]),
            ...(page === undefined ? [] : [["page", page] as const]),
          ]),
        ].join("\n"),
        failure,
      };
    });
  },
};

/** Of differences that are many the first are in the message. */
const mostTold = 3;

function failureOf(folder: string, { differences }: SealVerdict): CupelError | null {
  if (differences.length === 0) return null;
  const told = differences.slice(0, mostTold).map(describeDifference).join("; ");
  const more = differences.length > mostTold ? `; and ${differences.length - mostTold} more` : "";
  return attestErrors.error(
    "SEAL_BROKEN",
    `${folder} is not what was sealed: ${told}${more}. Do not use it; get it again from whoever sealed it.`,
    { details: { folder, differences } },
  );
}
