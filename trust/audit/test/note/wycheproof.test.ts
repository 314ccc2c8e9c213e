/** Ed25519 as notes use it, against the cases of Wycheproof. */
import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { test } from "node:test";
import { noteKeyOf } from "@cupel/audit";
import { isSignatureOf } from "../../src/note/signed-note.ts";
import { readSuiteJson, suiteFolder } from "../suite-folder.ts";

interface Suite {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}

test("all 151 cases of Wycheproof's Ed25519", { skip: suiteFolder.skip }, () => {
  const suite = readSuiteJson("wycheproof/ed25519_test.json.gz") as Suite;
  let cases = 0;
  for (const { publicKey, tests } of suite.testGroups) {
    const x = Buffer.from(publicKey.pk, "hex").toString("base64url");
    const key = noteKeyOf(
      "wycheproof",
      createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } }),
    );
    for (const { tcId, comment, msg, sig, result } of tests) {
      const found = isSignatureOf(key, Buffer.from(msg, "hex"), Buffer.from(sig, "hex"));
      assert.equal(found, result === "valid", `case ${tcId}: ${comment}`);
      cases++;
    }
  }
  assert.equal(cases, suite.numberOfTests);
  assert.equal(cases, 151);
});
