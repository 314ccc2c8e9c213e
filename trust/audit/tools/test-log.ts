/** The name and the key of logs that tools and tests make. The key is known to everybody who reads this. */
import { createPrivateKey } from "node:crypto";
import { noteSigningKeyOf } from "../src/note/note-key.ts";

export const testOrigin = "example.com/audit-test";

/** PKCS#8 of an Ed25519 key (RFC 8410) before its seed. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");

export const testKey = noteSigningKeyOf(
  testOrigin,
  createPrivateKey({ key: Buffer.concat([pkcs8, Buffer.alloc(32, 7)]), format: "der", type: "pkcs8" }),
);
