/**
 * What masking lets through and what it takes for personal data that is none: `node trust/audit/tools/masking-figures.ts`.
 * 100,000 events with planted personal data, 100,000 clean numbers of each kind, and the processor time of an event.
 */
import { createRandom, openTemporaryFolder, type Random } from "@cupel/base";
import type { AuditEvent } from "../src/audit-event.ts";
import { findSensitive } from "../src/masking/detect/find-sensitive.ts";
import { detectedKinds } from "../src/masking/detect/hit.ts";
import { openMasker } from "../src/masking/masker.ts";
import { auditEvent, openTestKeys } from "../test/support/keys.ts";
import { bareText, digits, inFrame, plant, plantedKinds } from "../test/support/planted.ts";

const COUNT = 100_000;
const random = createRandom(16);
await using folder = await openTemporaryFolder("masking");
await using keys = await openTestKeys(folder.path);
const masker = openMasker({}, keys);

console.log(`planted: ${COUNT} events, each with one of every kind`);
const leaked = new Map<string, number>();
for (let i = 0; i < COUNT; i++) {
  const planted = plantedKinds.map((kind) => plant(random, kind));
  const members = planted.map(({ kind, text }) => [`its_${kind}`, inFrame(random, text)]);
  const severity = i % 10 === 0 ? "ERROR" : "INFO";
  const masked = masker.mask(
    auditEvent({ severity, sub: { id: `user-${i % 500}` }, ctx: Object.fromEntries(members) }),
  );
  const out = bareText(JSON.stringify(masked));
  for (const { kind, text, bare } of planted) {
    if (out.includes(bareText(bare)) || out.includes(bareText(text)))
      leaked.set(kind, (leaked.get(kind) ?? 0) + 1);
  }
}
for (const kind of plantedKinds) console.log(`  ${kind}: ${leaked.get(kind) ?? 0} in plain text`);

const two = (n: number) => String(n).padStart(2, "0");
const day = (r: Random) => `2026${two(1 + r.integer(12))}${two(1 + r.integer(28))}`;
const clean: Readonly<Record<string, (random: Random) => string>> = {
  "order numbers: date, time, 6 digits": (r) =>
    `${day(r)}${two(r.integer(24))}${two(r.integer(60))}${two(r.integer(60))}${digits(r, 6)}`,
  "order numbers: date, 10 digits": (r) => `${day(r)}${digits(r, 10)}`,
  "timestamps, ms": (r) => String(1_700_000_000_000 + r.integer(200_000_000_000)),
  "timestamps, us": (r) => `${1_700_000_000_000 + r.integer(200_000_000_000)}${digits(r, 3)}`,
  "timestamps, ns": (r) => `${1_700_000_000_000 + r.integer(200_000_000_000)}${digits(r, 6)}`,
  "sizes in bytes, to 10 TB": (r) => String(Math.floor(10 ** (r.uniform() * 13))),
  "fractions as JavaScript prints them": (r) => String(r.uniform()),
  "digests, 64 hexadecimal": (r) => Array.from({ length: 64 }, () => r.integer(16).toString(16)).join(""),
  "digits at random, 8 to 20": (r) => `${1 + r.integer(9)}${digits(r, 7 + r.integer(13))}`,
  ...Object.fromEntries(
    [11, 13, 15, 16, 18, 19].map((length) => [
      `digits at random, ${length}`,
      (r: Random) => `${1 + r.integer(9)}${digits(r, length - 1)}`,
    ]),
  ),
};
const all = new Set(detectedKinds);
console.log(`\nclean: ${COUNT} of each`);
for (const [name, make] of Object.entries(clean)) {
  const found = new Map<string, number>();
  for (let i = 0; i < COUNT; i++) {
    for (const { kind } of findSensitive(make(random), all) ?? [])
      found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  const parts = [...found].map(([kind, count]) => `${kind} ${((100 * count) / COUNT).toFixed(3)} %`);
  console.log(`  ${name}: ${parts.join(", ") || "none"}`);
}

const plain = auditEvent({
  sub: { kind: "service", role: "operator" },
  obj: {
    model: "resnet50",
    version: "7",
    digest: `sha256:${"9f86d081884c7d65".repeat(4)}`,
    sensitivity: "internal",
  },
  ctx: {
    face: "rest",
    trace: "4bf92f3577b34da6a3ce929d0e0e4736",
    tenant: "acme",
    status: "200",
    geo: "CN-SH",
  },
});
const four = {
  a: "13800138000",
  b: "alice@example.com",
  c: "11010519491231002X",
  d: "4111111111111111",
};
const timed: Readonly<Record<string, AuditEvent>> = {
  "nothing to hide": plain,
  "a subject and an address": {
    ...plain,
    sub: { ...plain.sub, id: "user-1" },
    ctx: { ...plain.ctx, ip: "203.0.113.7" },
  },
  "four hits, masked": { ...plain, ctx: { ...plain.ctx, ...four } },
  "four hits, encrypted": { ...plain, severity: "ERROR", ctx: { ...plain.ctx, ...four } },
};
console.log("\nprocessor time of an event, median of 5");
for (const [name, event] of Object.entries(timed)) {
  const rounds = event.severity === "ERROR" ? 20_000 : 200_000;
  const times = Array.from({ length: 6 }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < rounds; i++) masker.mask(event);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / rounds;
  }).slice(1);
  console.log(`  ${name}: ${times.sort((a, b) => a - b)[2]!.toFixed(2)} us`);
}
