/** Links between namespaces: what they carry, what they leave behind, and when they are refused. No figure of time is held here. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { fileURLToPath } from "node:url";
import type { DirectionSpec } from "../src/link/direction.ts";
import { type EmulatedLink, type LinkSpec, openEmulatedLink, whyNoLink } from "../src/link/emulated-link.ts";
import { namespaces, sweepNamespaces } from "../src/link/namespaces.ts";
import { commandAt } from "../src/link/place.ts";
import type { Probes } from "../src/link/probe-link.ts";
import { systemCommand } from "../src/link/system-command.ts";
import { judgeLink, measureLink, verifyLink } from "../src/link/verify-link.ts";

const skip = (await whyNoLink()) ?? false;
const way: DirectionSpec = {
  delay: { delayMs: 20, law: "none", jitterMs: 0 },
  loss: { kind: "none" },
  rate: null,
  queueBytes: null,
  reorders: false,
};
const clean: LinkSpec = { toFar: way, toNear: way };

const talk = `
const net = require("node:net");
const [role, address] = process.argv.slice(1);
if (role === "serve") net.createServer((s) => s.on("error", () => {}).pipe(s)).listen(7000, address, () => console.log("up"));
else {
  const s = net.connect(7000, address, () => s.write("x".repeat(20000)));
  let got = 0;
  s.on("data", (d) => { got += d.length; if (got === 20000) require("node:child_process").exec("ss -tin", (e, out) => { console.log(out); s.destroy(); }); });
}`;

/** What a connection over the link says of itself, after 20,000 bytes there and back. */
async function conversation({ near, far }: EmulatedLink): Promise<string> {
  const run = (place: typeof near, role: string) => {
    const [command, words] = commandAt(place, [process.execPath, "-e", talk, role, far.address]);
    return spawn(command, words, { stdio: ["ignore", "pipe", "inherit"] });
  };
  const server = run(far, "serve");
  await once(server.stdout, "data");
  let said = "";
  const client = run(near, "talk");
  client.stdout.on("data", (text) => {
    said += text;
  });
  await once(client, "close");
  server.kill();
  await once(server, "close");
  return said;
}

test("TCP of the kernel runs over the link with the congestion control of its route, and nothing is left", {
  skip,
}, async () => {
  let ours: readonly string[] = [];
  {
    await using link = await openEmulatedLink(clean, { seed: 1 });
    await link.setTcp({ congestion: "cubic", slowStartAfterIdle: false });
    const said = await conversation(link);
    assert.match(said, /\n\s+cubic .* rtt:(2\d|[3-9]\d|\d{3,})/);
    const { toFar, toNear } = await link.counters();
    assert.ok(toFar.packets >= 14 && toFar.bytes > 20_000, JSON.stringify(toFar));
    assert.ok(toNear.packets >= 14 && toNear.lost === 0 && toNear.refused === 0, JSON.stringify(toNear));
    ours = [link.near.namespace!, link.far.namespace!];
    assert.deepEqual(new Set(ours).intersection(new Set(await namespaces())), new Set(ours));
    await assert.rejects(link.setTcp({ congestion: "no-such", slowStartAfterIdle: true }), {
      code: "LINK_FAILED",
    });
  }
  assert.deepEqual(new Set(ours).intersection(new Set(await namespaces())), new Set());
});

test("what a killed process left is removed by the next, with the processes in it", { skip }, async () => {
  const module = fileURLToPath(new URL("../src/link/emulated-link.ts", import.meta.url));
  const script = `
    const { openEmulatedLink } = await import(${JSON.stringify(module)});
    const { near } = await openEmulatedLink(${JSON.stringify(clean)}, { seed: 1 });
    const sleeper = require("node:child_process").spawn("ip", ["netns", "exec", near.namespace, "sleep", "600"]);
    console.log(near.namespace, sleeper.pid);`;
  const child = spawn(process.execPath, ["--no-warnings", "-e", `(async () => {${script}})()`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = await once(child.stdout, "data");
  const [name, pid] = String(text).trim().split(" ");
  child.kill("SIGKILL");
  await once(child, "close");
  assert.ok((await namespaces()).includes(name ?? ""));
  assert.ok((await sweepNamespaces()).includes(name ?? ""));
  assert.ok(!(await namespaces()).includes(name ?? ""));
  const state = await systemCommand("ps", "-o", "stat=", "-p", pid ?? "").catch(() => "gone");
  assert.match(state, /gone|Z/);
});

test("a link that loses what nobody asked to be lost is refused", { skip }, async () => {
  const lossy: LinkSpec = { toFar: { ...way, loss: { kind: "independent", share: 0.2 } }, toNear: way };
  await using link = await openEmulatedLink(lossy, { seed: 1 });
  const measured = await measureLink(link, lossy, { count: 300, stepMs: 1 });
  assert.ok(!measured.off.some((each) => each.includes("loss")), measured.off.join(" "));
  await assert.rejects(verifyLink(link, clean, { count: 300, stepMs: 1 }), (error: Error) => {
    assert.match(error.message, /to the far end, the loss is \d+\.\d+ % and not 0\.00/);
    return "code" in error && error.code === "LINK_OFF";
  });
});

const asked: Probes = {
  sent: 1000,
  received: 1000,
  answered: 1000,
  overtaken: 0,
  toFar: Array.from({ length: 1000 }, () => 20.4),
  toNear: Array.from({ length: 1000 }, () => 20.4),
};
const verdicts: readonly {
  readonly what: string;
  readonly probes: Partial<Probes>;
  readonly off: RegExp | null;
}[] = [
  { what: "as asked", probes: {}, off: null },
  {
    what: "3 ms too slow",
    probes: { toNear: asked.toNear.map((each) => each + 3) },
    off: /near end, the delay is 23\.40 ms and not 20\.00/,
  },
  {
    what: "with a jitter of its own",
    probes: { toFar: asked.toFar.map((each, i) => each + (i % 2 ? 2 : -2)) },
    off: /far end, the jitter/,
  },
  { what: "lossy", probes: { received: 990 }, off: /far end, the loss is 1\.00 %/ },
  { what: "dead", probes: { received: 0, answered: 0, toFar: [], toNear: [] }, off: /the delay is NaN/ },
];

for (const { what, probes, off } of verdicts) {
  test(`a link that is ${what} is ${off === null ? "taken" : "refused"}`, () => {
    const judged = judgeLink({ ...asked, ...probes }, clean);
    if (off === null) assert.deepEqual(judged.off, []);
    else assert.match(judged.off.join(" "), off);
  });
}
