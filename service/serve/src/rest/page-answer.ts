/** A page for people, with what keeps others from doing something with it. */
import type { Page } from "../core/pages.ts";
import type { Answer } from "./exchange.ts";

export function pageAnswer({ html, policy }: Page): Answer {
  return {
    type: "text/html; charset=utf-8",
    headers: {
      // A page cannot say for itself who may put it into a frame.
      "content-security-policy": `${policy}; frame-ancestors 'none'`,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      // It is of this version of the server, and small.
      "cache-control": "no-cache",
    },
    body: html,
  };
}
