/**
 * What the emulator's own acceptance asks for, measured on this machine, which should have no other work: delay within 2 ms,
 * loss within 0.2 points over 20,000 packets, the law of the jitter by the test of Kolmogorov and Smirnov, order, rate
 * within 3 %, and one Reno connection within 30 % of the formula of Mathis. `node service/wan/tools/accept-link.ts`, as
 * root; three minutes. Ends with status 1 where anything is missed.
 */
import { quantile } from "@cupel/base";
import type { DirectionSpec } from "../src/link/direction.ts";
import { type EmulatedLink, type LinkSpec, openEmulatedLink } from "../src/link/emulated-link.ts";
import { startJob } from "../src/link/job-process.ts";
import { probeLink } from "../src/link/probe-link.ts";
import { ksDistance, ksLimit, uniformCdf } from "../test/kolmogorov-smirnov.ts";
import type { BulkJob, Received } from "./bulk.ts";

const way: DirectionSpec = {
  delay: { delayMs: 75, law: "uniform", jitterMs: 10 },
  loss: { kind: "independent", share: 0.012 },
  rate: null,
  queueBytes: null,
  reorders: false,
};
const both = (changes: Partial<DirectionSpec>): LinkSpec => ({
  toFar: { ...way, ...changes },
  toNear: { ...way, ...changes },
});
const seconds = Number(process.argv[2] ?? 60);
let missed = 0;

function told(what: string, figures: string, isMet: boolean): void {
  if (!isMet) missed++;
  console.log(`${isMet ? "met   " : "MISSED"} ${what}: ${figures}`);
}

async function measured(
  spec: LinkSpec,
  congestion: string,
  work: (link: EmulatedLink) => Promise<void>,
): Promise<void> {
  await using link = await openEmulatedLink(spec, { seed: 20 });
  await link.setTcp({ congestion, slowStartAfterIdle: true });
  await work(link);
  const { toFar, toNear } = await link.counters();
  for (const [name, each] of Object.entries({ toFar, toNear })) {
    console.log(
      `       ${name}: ${each.packets} packets, ${each.late} of them over 1 ms late, ${each.refused} refused`,
    );
  }
}

/** Bytes a second of one connection, without the first five seconds. */
async function throughput({ near, far }: EmulatedLink, durationMs: number): Promise<number> {
  const entry = new URL("./bulk.ts", import.meta.url);
  const receive: BulkJob = { role: "receive", address: far.address, warmUpMs: 5_000 };
  await using receiver = startJob(entry, receive, { place: far, name: "The receiver" });
  const { port } = (await receiver.ready) as { port: number };
  const send: BulkJob = { role: "send", address: far.address, port, durationMs: durationMs + 5_000 };
  await using sender = startJob(entry, send, { place: near, name: "The sender" });
  await sender.result;
  const { bytes, seconds } = (await receiver.stop()) as Received;
  return bytes / seconds;
}

await measured(both({}), "reno", async (link) => {
  // 23 probes a jitter's span, from so many ports that those of one are further apart than it.
  const probes = await probeLink(link, both({}), { count: 24_000, stepMs: 1 });
  const ways = [
    { name: "to the far end", delays: probes.toFar, loss: 1 - probes.received / probes.sent },
    { name: "to the near end", delays: probes.toNear, loss: 1 - probes.answered / probes.received },
  ];
  for (const { name, delays, loss } of ways) {
    const median = quantile(Float64Array.from(delays).sort(), 0.5);
    told(`delay ${name} within 2 ms`, `median ${median.toFixed(2)} ms of 75`, Math.abs(median - 75) <= 2);
    told(
      `loss ${name} within 0.2 points`,
      `${(100 * loss).toFixed(3)} % of 1.2`,
      Math.abs(loss - 0.012) <= 0.002,
    );
  }
});

await measured(both({}), "reno", async (link) => {
  const { toFar } = await probeLink(link, both({}), { count: 1_000, stepMs: 25, flows: 1 });
  // What waking up adds to every probe is judged above, as delay.
  const offset = quantile(Float64Array.from(toFar).sort(), 0.5) - 75;
  const distance = ksDistance(
    toFar.map((each) => each - offset),
    uniformCdf(65, 85),
  );
  const limit = ksLimit(toFar.length);
  told(
    "jitter by Kolmogorov and Smirnov",
    `distance ${distance.toFixed(4)}, limit ${limit.toFixed(4)}, ${toFar.length} probes 25 ms apart`,
    distance < limit,
  );
});

for (const reorders of [false, true]) {
  await measured(both({ reorders }), "reno", async (link) => {
    const { overtaken, sent } = await probeLink(link, both({ reorders }), {
      count: 3_000,
      stepMs: 1,
      flows: 1,
    });
    told(
      reorders ? "reordering where it is asked for" : "order where it is not",
      `${overtaken} of ${sent} overtaken`,
      overtaken > 0 === reorders,
    );
  });
}

const narrow = both({
  delay: { delayMs: 10, law: "none", jitterMs: 0 },
  loss: { kind: "none" },
  rate: 10_000_000,
  queueBytes: 100_000,
});
await measured(narrow, "cubic", async (link) => {
  // 1,448 bytes of each packet of 1,500 are the caller's.
  const rate = ((await throughput(link, 10_000)) * 8 * 1500) / 1448;
  told("rate within 3 %", `${(rate / 1e6).toFixed(3)} of 10 Mbit/s`, Math.abs(rate / 10_000_000 - 1) <= 0.03);
});

await measured(both({}), "reno", async (link) => {
  const rate = await throughput(link, seconds * 1000);
  // Mathis, Semke, Mahdavi and Ott (1997), with the constant for periodic loss and an acknowledgement a segment.
  const formula = ((1448 / 0.15) * Math.sqrt(3 / 2)) / Math.sqrt(0.012);
  told(
    "one Reno connection within 30 % of the formula of Mathis",
    `${(rate / 1000).toFixed(1)} of ${(formula / 1000).toFixed(1)} KB/s over ${seconds} s`,
    Math.abs(rate / formula - 1) <= 0.3,
  );
});

process.exitCode = missed === 0 ? 0 : 1;
