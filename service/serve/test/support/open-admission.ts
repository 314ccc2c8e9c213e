/** Lets everybody in and ends a call at its deadline or when its client has left. */
import { startDeadline } from "../../src/access/deadline.ts";
import type { Admission } from "../../src/core/admission.ts";
import { anonymous } from "../../src/core/call.ts";

export const openAdmission: Admission = {
  async admit({ face, peer, left, timeoutMs = null }) {
    const deadline = startDeadline(left, timeoutMs);
    return {
      face,
      principal: anonymous,
      signal: deadline.signal,
      address: peer.address,
      times: {},
      [Symbol.dispose]: () => deadline[Symbol.dispose](),
    };
  },
};
