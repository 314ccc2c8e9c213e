/** The failures of emulating a link and of generating load: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

export const wanErrors = defineErrors({
  SCENARIO_INVALID: {
    meaning: "A scenario of links, or of load, does not have the form of one.",
    ...failures.badData,
  },
  LINK_UNAVAILABLE: {
    meaning:
      "Links cannot be emulated here: that takes Linux, the rights of its administrator, ip, perl and TUN devices.",
    ...failures.unavailable,
  },
  LINK_FAILED: {
    meaning: "The emulated link could not be set up, or ended before it was taken down.",
    ...failures.unavailable,
  },
  LINK_OFF: {
    meaning: "The emulated link was measured and is not what was asked for; nothing is reported over it.",
    ...failures.unavailable,
    retryable: true,
  },
  RATE_NOT_CARRIED: {
    meaning:
      "This machine does not send even a low rate of requests when they are due, so that no figure would be the link's.",
    ...failures.unavailable,
    retryable: true,
  },
  PROXY_FAILED: {
    meaning: "The proxy that adds delay could not listen on its port.",
    ...failures.unavailable,
  },
  LOAD_FAILED: {
    meaning: "The process that generates load, or one beside it, ended without a result.",
    ...failures.unavailable,
  },
});

export type WanErrorCode = keyof typeof wanErrors.specs;
