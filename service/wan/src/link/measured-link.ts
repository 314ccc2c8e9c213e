/**
 * What a comparison runs over: an emulated link, or what only adds delay where no link can be emulated. Both are measured
 * before they are believed.
 */
import { openDelayOnly } from "./delay-only.ts";
import {
  type EmulatedLinkOptions,
  type LinkSpec,
  openEmulatedLink,
  type TcpSettings,
} from "./emulated-link.ts";
import type { Place } from "./place.ts";
import type { RelayCounters } from "./relay-counters.ts";
import { type LinkVerification, verifyLink } from "./verify-link.ts";

/** "delay-only": without loss, rate, queue, reordering and congestion control. */
export type LinkKind = "emulated" | "delay-only";

export interface Link extends AsyncDisposable {
  /** Where the client is. */
  readonly near: Place;
  /** Where the server is. */
  readonly far: Place;
  /** The network device at the near end that carries nothing else; null: there is none. */
  readonly device: string | null;
  /** The URL by which the near end reaches a server of the far end. */
  reach(url: string): Promise<string>;
  /** For connections that are made from now on. @throws LINK_FAILED where the kernel has no such congestion control */
  setTcp(settings: TcpSettings): Promise<void>;
  /** Null: no packets are counted. */
  counters(): Promise<RelayCounters | null>;
}

/** What was measured of a link that only adds delay. */
export type DelayVerification = Pick<LinkVerification, "probes" | "roundTripMs" | "off">;

export interface MeasuredLink extends Link {
  /** @throws LINK_OFF */
  verify(): Promise<LinkVerification | DelayVerification>;
}

/** @throws LINK_UNAVAILABLE, LINK_FAILED */
export async function openMeasuredLink(
  kind: LinkKind,
  spec: LinkSpec,
  options: EmulatedLinkOptions,
): Promise<MeasuredLink> {
  if (kind === "delay-only") return openDelayOnly(spec, options);
  const link = await openEmulatedLink(spec, options);
  return { ...link, verify: () => verifyLink(link, spec, options) };
}
