/** Lets everybody in and ends a call at its deadline or when its client has left. */
import type { Admission } from "../../src/core/admission.ts";
import { anonymous } from "../../src/core/call.ts";

export const openAdmission: Admission = {
  async admit({ face, peer, left, timeoutMs }) {
    const signal = timeoutMs === undefined ? left : AbortSignal.any([left, AbortSignal.timeout(timeoutMs)]);
    return {
      face,
      principal: anonymous,
      signal,
      address: peer.address,
      times: {},
      [Symbol.dispose]() {},
    };
  },
};
