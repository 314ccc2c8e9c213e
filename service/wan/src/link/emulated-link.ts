/**
 * An emulated link: two namespaces, a TUN device in each, and a relay that carries packets between them after the law of
 * each direction. TCP in the namespaces is the kernel's own: what it does about loss and delay is what it does anywhere.
 */
import { existsSync } from "node:fs";
import { moduleBeside } from "@cupel/base";
import { wanErrors } from "../errors.ts";
import type { DirectionSpec } from "./direction.ts";
import { startJob } from "./job-process.ts";
import type { Link } from "./measured-link.ts";
import { makeNamespace, sweepNamespaces } from "./namespaces.ts";
import { deviceName, tunCommand } from "./open-tun.ts";
import { thisMachine } from "./place.ts";
import { realTimeWords } from "./real-time.ts";
import type { RelayCounters } from "./relay-counters.ts";
import type { RelayJob } from "./relay-process.ts";
import { systemCommand } from "./system-command.ts";

export interface LinkSpec {
  readonly toFar: DirectionSpec;
  readonly toNear: DirectionSpec;
}

/** Of TCP at both ends. */
export interface TcpSettings {
  /** "cubic", "bbr" or "reno". */
  readonly congestion: string;
  /** Whether a connection that was idle begins slowly again: the kernel's default. */
  readonly slowStartAfterIdle: boolean;
}

export interface EmulatedLink extends Link {
  counters(): Promise<RelayCounters>;
}

export interface EmulatedLinkOptions {
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** For documentation (RFC 5737): in a namespace of its own it meets nobody. */
const addresses = { near: "192.0.2.1", far: "192.0.2.2" };

/** Packets that wait in the device until the relay reads them. */
const transmitQueue = 10_000;

/** What every namespace has: packets of IPv6 of its own would be among those that are counted; no connection learns from another. */
const kernelSettings = {
  "net/ipv6/conf/all/disable_ipv6": "1",
  "net/ipv6/conf/default/disable_ipv6": "1",
  "net/ipv4/tcp_no_metrics_save": "1",
};

/** Null: links can be emulated here. Else the reason why not, a sentence. */
export async function whyNoLink(): Promise<string | null> {
  if (process.platform !== "linux") return "Links are emulated on Linux alone.";
  if (process.geteuid?.() !== 0)
    return "To emulate a link takes the rights of the system's administrator (root).";
  if (!existsSync("/dev/net/tun")) return "To emulate a link takes TUN devices (/dev/net/tun).";
  for (const [command, word] of [
    ["ip", "netns"],
    ["perl", "-v"],
  ] as const) {
    try {
      await systemCommand(command, word);
    } catch {
      return `To emulate a link takes a working "${command} ${word}".`;
    }
  }
  return null;
}

/** @throws LINK_UNAVAILABLE, LINK_FAILED */
export async function openEmulatedLink(
  spec: LinkSpec,
  { seed, signal }: EmulatedLinkOptions,
): Promise<EmulatedLink> {
  const reason = await whyNoLink();
  if (reason !== null) {
    throw wanErrors.error(
      "LINK_UNAVAILABLE",
      `${reason} Without it the delay alone can be compared: cupel bench protocols --delay-only.`,
    );
  }
  await sweepNamespaces();
  await using opened = new AsyncDisposableStack();
  const near = { namespace: opened.use(await makeNamespace()).name, address: addresses.near };
  const far = { namespace: opened.use(await makeNamespace()).name, address: addresses.far };
  const job: RelayJob = { specs: [spec.toFar, spec.toNear], seed };
  const relay = opened.use(
    startJob(moduleBeside(import.meta.url, "relay-process"), job, {
      place: thisMachine,
      name: "The relay of the link",
      code: "LINK_FAILED",
      before: [...(await realTimeWords()), ...tunCommand(near.namespace, far.namespace)],
      signal,
    }),
  );
  await relay.ready;
  for (const [here, there] of [
    [near, far],
    [far, near],
  ] as const) {
    const ip = (...words: readonly string[]) => systemCommand("ip", "-n", here.namespace, ...words);
    await setKernel(here, kernelSettings);
    await ip("link", "set", "lo", "up");
    await ip("address", "add", here.address, "peer", there.address, "dev", deviceName);
    await ip("link", "set", deviceName, "txqueuelen", String(transmitQueue), "up");
  }
  const kept = opened.move();
  return {
    near,
    far,
    device: deviceName,
    reach: async (url) => url,
    async setTcp({ congestion, slowStartAfterIdle }) {
      for (const [here, there] of [
        [near, far],
        [far, near],
      ] as const) {
        await setKernel(here, { "net/ipv4/tcp_slow_start_after_idle": slowStartAfterIdle ? "1" : "0" });
        const route = [there.address, "dev", deviceName, "src", here.address, "congctl", congestion];
        await systemCommand("ip", "-n", here.namespace, "route", "replace", ...route);
      }
    },
    // The relay has no other answer.
    counters: async () => (await relay.ask()) as RelayCounters,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function setKernel(
  { namespace }: { readonly namespace: string },
  settings: Readonly<Record<string, string>>,
) {
  const lines = Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/${name}`);
  await systemCommand("ip", "netns", "exec", namespace, "sh", "-ec", lines.join("\n"));
}
