/** Lets everybody in and ends a call at its deadline or when its client has left. */
import { startDeadline } from "../../src/access/deadline.ts";
import type { Admission, AdmittedCall } from "../../src/core/admission.ts";
import { anonymous } from "../../src/core/call.ts";

export const openAdmission: Admission = {
  async admit({ face, peer, left, timeoutMs = null }) {
    const deadline = startDeadline(left, timeoutMs);
    const call = (end: () => void): AdmittedCall => ({
      face,
      principal: anonymous,
      signal: deadline.signal,
      address: peer.address,
      times: {},
      part: () => call(() => {}),
      [Symbol.dispose]: end,
    });
    return call(() => deadline[Symbol.dispose]());
  },
};
