/** `cupel seal`: a folder in, the proof of what it is beside its files. */
import { openCertificates, sealFolder } from "@cupel/attest";
import { errorFrom } from "@cupel/base";
import { flag, invalid, text } from "../arguments/option.ts";
import { recordOptions } from "../audit/record-options.ts";
import { recordedAct } from "../audit/recorded-act.ts";
import { cliErrors } from "../errors.ts";
import { findReport } from "../seal/find-report.ts";
import { readSigningKeys, signingOptions } from "../seal/key-options.ts";
import { figureLines } from "../seal/seal-text.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const nameOption = text({
  name: "name",
  placeholder: "NAME",
  summary: "Of the model: an older seal of the same name can be refused",
  fallback: "that of the folder",
});
const versionOption = text({
  name: "model-version",
  placeholder: "V",
  summary: "Of the model, as you count",
});
const reportOption = text({
  name: "report",
  placeholder: "FILE",
  summary:
    "The .report.json of the compression that made the model: its recipe, source and figures are signed",
  fallback: "the one in DIR",
});
const noReport = flag({ name: "no-report", summary: "Sign nothing of how the model was made" });

export const sealCommand: Command = {
  description:
    "Writes DIR/attestation.json (every file by SHA-256 and SM3, the roots of their Merkle tree, how the model was made, signed by each key) and, with a key of " +
    "ECDSA, DIR/model.sig (OpenSSF Model Signing v1.0), which other people's tools verify. Both replace older ones at once; nothing else in DIR is " +
    "changed. A key is made with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ecdsa.pem, and what others verify with is then written by " +
    "openssl pkey -in ecdsa.pem -pubout -out ecdsa.pub. A report in DIR is signed as well, when it is of a model in DIR. Exit status: 65 what cannot be sealed (links that lead out, devices, " +
    "a report of another model, a key that is none, a folder that changed meanwhile), 66 not there, 74 not written, 75 while another process seals it.",
  operands: [{ name: "DIR", summary: "The folder to seal" }],
  options: [
    ...Object.values(signingOptions),
    nameOption,
    versionOption,
    reportOption,
    noReport,
    ...Object.values(recordOptions),
  ],
  examples: [
    { line: "cupel seal out/ --key ecdsa.pem", says: "with a key of ECDSA: for Cupel and for others" },
    { line: "cupel seal out/ --key ecdsa.pem --key sm2.pem", says: "and with one of SM2 besides" },
    {
      line: "cupel seal out/ --key ecdsa.pem --certificate chain.pem --name resnet50 --model-version 3",
      says: "for whoever trusts an authority",
    },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    if (!given.has(signingOptions.keys)) {
      throw cliErrors.error(
        "ARGUMENT_MISSING",
        "Sealing needs a private key: --key FILE. See cupel seal --help.",
      );
    }
    if (given.get(noReport) && given.has(reportOption)) {
      throw invalid(reportOption.name, "and --no-report contradict each other");
    }
    const chain = given.get(signingOptions.certificates);
    return await recordedAct(given, context, async (tell) => {
      const keys = await readSigningKeys(given, folder, context);
      const report = given.get(noReport)
        ? undefined
        : await findReport(folder, given.get(reportOption), context);
      const seal = await sealFolder(folder, {
        keys,
        certificates: chain === undefined ? undefined : await openCertificates(chain),
        name: given.get(nameOption),
        version: given.get(versionOption),
        report,
        clock: context.clock,
        signal: context.signal,
        progress: context.progress,
      });
      if (seal.remark !== null) context.remark(seal.remark);
      if (seal.modelKeyId === null) {
        context.remark("There is no model.sig, which takes a key of ECDSA: only Cupel verifies this seal.");
      }
      const { name, version, sequence, sealedAt, roots, manifest, keyIds, provenance } = seal;
      const told = await tell({
        action: "SEAL.CREATE",
        severity: "INFO",
        object: { model: name, digest: roots.sha256, ...(version === null ? {} : { modelVersion: version }) },
        context: { signer: keyIds.join(" "), sequence: String(sequence) },
      }).then(
        () => null,
        (thrown: unknown) => errorFrom(thrown),
      );
      if (told !== null) context.remark("The folder is sealed; that it was is not in the record.");
      const files = manifest.filter(({ kind }) => kind === "file").length;
      return {
        json: {
          folder,
          name,
          version,
          sequence,
          sealedAt,
          roots,
          files,
          keyIds,
          modelKeyId: seal.modelKeyId,
          figures: provenance?.figures ?? null,
        },
        text: factsText([
          [
            "sealed",
            `${folder}, ${numberOf(files, "file")}, as ${name}${version === null ? "" : ` ${version}`}`,
          ],
          ["files", seal.modelKeyId === null ? "attestation.json" : "attestation.json, model.sig"],
          ["SHA-256", roots.sha256],
          ["SM3", roots.sm3],
          ...keyIds.map((id) => ["key", id] as const),
          ...(provenance === null ? [] : [["claimed", figureLines(provenance.figures).join("\n")] as const]),
        ]),
        failure: told,
      };
    });
  },
};
