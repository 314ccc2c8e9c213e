/** A process of several that see seals: of a name of its own, and of one that all share. */
import { admitSeal } from "../../src/policy/seen-seals.ts";

const [path = "", own = ""] = process.argv.slice(2);
const root = "0".repeat(64);
for (let i = 1; i <= 10; i++) {
  await admitSeal(path, { name: `own${own}`, sequence: i, root });
  await admitSeal(path, { name: "shared", sequence: i * 3 + Number(own), root });
}
