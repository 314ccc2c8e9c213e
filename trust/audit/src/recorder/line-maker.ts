/** From what happened to its line of the record: stamped, checked, masked. What does not conform is told, not thrown. */
import type { WorkEvent } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { checkEvent } from "../event/check-event.ts";
import { lineOf, lineRefusal } from "../event/line.ts";
import type { EventRefusal } from "../event/refusal.ts";
import type { EventStamper, Stamp } from "../event/stamp.ts";
import type { Masker } from "../masking/masker.ts";
import { OrdinaryLines } from "./ordinary-line.ts";

export type MadeLine =
  | { readonly stamp: Stamp; readonly line: string }
  /** The event may be masked or not. */
  | { readonly refused: AuditEvent; readonly refusal: EventRefusal };

export class LineMaker {
  readonly #stamper: EventStamper;
  readonly #masker: Masker;
  readonly #ordinary: OrdinaryLines;

  constructor(stamper: EventStamper, masker: Masker) {
    this.#stamper = stamper;
    this.#masker = masker;
    this.#ordinary = new OrdinaryLines(masker);
  }

  make(event: WorkEvent): MadeLine {
    const stamp = this.#stamper.next();
    const line = this.#ordinary.lineOf(stamp, event);
    return line === null ? this.#stepByStep(event, stamp) : { stamp, line };
  }

  #stepByStep(event: WorkEvent, stamp: Stamp): MadeLine {
    const stamped = this.#stamper.stamp(event, stamp);
    const refusal = checkEvent(stamped);
    if (refusal !== null) return { refused: stamped, refusal };
    const masked = this.#masker.mask(stamped);
    // Masking may have made it longer.
    const tooLong = masked === stamped ? null : lineRefusal(masked);
    return tooLong === null ? { stamp, line: lineOf(masked) } : { refused: masked, refusal: tooLong };
  }
}
