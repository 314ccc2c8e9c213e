/**
 * Damage to a Sigstore bundle at each of its layers: the JSON around, the statement inside of base64, certificates and
 * signatures in DER; and to keys and certificates in PEM. What is around the damage is right afterwards, the digest of a
 * statement's resources mostly too. Pure.
 */
import { createHash } from "node:crypto";
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";
import { mutateDer } from "./mutate-der.ts";
import { asObject, editedJson, editedText, type Json, parsed, textOf } from "./mutate-json.ts";

/** Nine of ten edits keep the outermost layer. */
export const mutateBundle: Mutate = (bytes, random, others) => {
  if (random.integer(10) === 0) return mutateBytes(bytes, random, others);
  const text = Buffer.from(bytes).toString();
  if (text.startsWith("-----BEGIN")) return new Uint8Array(Buffer.from(withPem(text, random)));
  let made = parsed(text);
  if (made === undefined) return mutateBytes(bytes, random, others);
  for (let left = 1 + random.integer(2); left > 0; left--) {
    made = edits[random.integer(edits.length)]!(made, random);
  }
  return new Uint8Array(Buffer.from(JSON.stringify(made)));
};

const block = /(-----BEGIN [^-]+-----\n)([^-]*)(-----END [^-]+-----\n)/g;

function withPem(text: string, random: Random): string {
  const blocks = [...text.matchAll(block)].map(([whole, head = "", body = "", end = ""]) => {
    if (random.integer(3) === 0) return whole;
    const der = Buffer.from(mutateDer(Buffer.from(body, "base64"), random, []));
    return `${head}${der.toString("base64").replace(/.{1,64}/g, "$&\n")}${end}`;
  });
  if (random.integer(4) === 0) blocks.push(blocks[random.integer(blocks.length)] ?? "");
  return random.integer(6) === 0 ? editedText(blocks.join(""), random) : blocks.join("");
}

type Edit = (value: Json, random: Random) => Json;

const edits: readonly Edit[] = [
  editedJson,
  at(["dsseEnvelope", "payload"], inBase64(withStatement)),
  at(["dsseEnvelope", "payload"], inBase64(withStatement)),
  at(["dsseEnvelope", "signatures"], inEach(at(["sig"], inBase64(mutateDer)))),
  at(["verificationMaterial", "certificate", "rawBytes"], inBase64(mutateDer)),
  at(
    ["verificationMaterial", "x509CertificateChain", "certificates"],
    inEach(at(["rawBytes"], inBase64(mutateDer))),
  ),
  at(["verificationMaterial", "x509CertificateChain", "certificates"], (list, random) =>
    Array.isArray(list) ? [...list, list[random.integer(list.length)] ?? null].reverse() : list,
  ),
];

/** Edits the member at the end of a way; where there is none all stays as it is. */
function at([name, ...rest]: readonly string[], edit: Edit): Edit {
  if (name === undefined) return edit;
  return (value, random) => {
    const object = asObject(value, {});
    const inside = object[name];
    return inside === undefined ? value : { ...object, [name]: at(rest, edit)(inside, random) };
  };
}

function inEach(edit: Edit): Edit {
  return (value, random) => (Array.isArray(value) ? value.map((each) => edit(each, random)) : value);
}

function inBase64(mutate: Mutate): Edit {
  return (value, random) => {
    if (typeof value !== "string") return value;
    if (random.integer(10) === 0) return editedText(value, random);
    return Buffer.from(mutate(Buffer.from(value, "base64"), random, [])).toString("base64");
  };
}

function withStatement(bytes: Uint8Array, random: Random): Uint8Array {
  let statement = asObject(parsed(Buffer.from(bytes).toString()), {});
  const predicate = asObject(statement.predicate, {});
  const resources = Array.isArray(predicate.resources) ? predicate.resources : [];
  const one = random.integer(resources.length);
  const ways: readonly (() => { [name: string]: Json })[] = [
    () => asObject(editedJson(statement, random), statement),
    () => ({ ...statement, predicate: editedJson(predicate, random) }),
    () => withResources(statement, resources.with(one, editedJson(resources[one] ?? {}, random))),
    () => {
      const resource = asObject(resources[one], {});
      const name = editedText(textOf(resource.name), random);
      return withResources(statement, [...resources, { ...resource, name }]);
    },
    () => withResources(statement, resources.toSpliced(one, 1)),
  ];
  const way = resources.length === 0 ? 0 : random.integer(ways.length);
  statement = ways[way]!();
  return new Uint8Array(
    Buffer.from(JSON.stringify(random.integer(4) === 0 ? statement : withDigest(statement))),
  );
}

function withResources(statement: { [name: string]: Json }, resources: Json[]) {
  return { ...statement, predicate: { ...asObject(statement.predicate, {}), resources } };
}

/** The subject's is that of all the resources' digests. */
function withDigest(statement: { [name: string]: Json }): { [name: string]: Json } {
  const { resources } = asObject(statement.predicate, {});
  if (!Array.isArray(resources)) return statement;
  const digest = createHash("sha256");
  for (const each of resources) digest.update(Buffer.from(textOf(asObject(each, {}).digest), "hex"));
  return { ...statement, subject: [{ name: "fuzz", digest: { sha256: digest.digest("hex") } }] };
}
