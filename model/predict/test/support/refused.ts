import assert from "node:assert/strict";
import { CupelError } from "@cupel/base";

/** The work is refused with this code, in a message that says this. */
export async function refused(work: () => unknown, code: string, saying: RegExp = /./): Promise<void> {
  await assert.rejects(
    async () => await work(),
    (thrown: unknown) => {
      if (!(thrown instanceof CupelError)) throw thrown;
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, saying);
      return true;
    },
  );
}
