import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNodeVersion } from "../src/supported-node.ts";

for (const version of ["24.0.0", "24.11.1", "26.10.0", "100.0.0", "27.0.0-nightly"]) {
  test(`Node.js ${version} is supported`, () => checkNodeVersion(version));
}

for (const version of ["20.20.2", "22.18.0", "23.11.1"]) {
  test(`Node.js ${version} is refused in a sentence that names both versions`, () => {
    assert.throws(() => checkNodeVersion(version), {
      code: "NODE_TOO_OLD",
      message: `Cupel needs Node.js 24 or newer, and this is Node.js ${version}. Run it with a newer Node.js.`,
    });
  });
}
