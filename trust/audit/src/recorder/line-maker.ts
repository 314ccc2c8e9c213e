/** From what happened to its line of the record: stamped, checked, masked. What does not conform is told, not thrown. */
import type { WorkEvent } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { checkEvent } from "../event/check-event.ts";
import { maskToFit } from "../event/fit-facts.ts";
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

  /** @param isExact what it says of its object is not masked: it is of the recorder itself, and is read back */
  make(event: WorkEvent, isExact = false): MadeLine {
    const stamp = this.#stamper.next();
    const line = isExact ? null : this.#ordinary.lineOf(stamp, event);
    return line === null ? this.#stepByStep(event, stamp, isExact) : { stamp, line };
  }

  #stepByStep(event: WorkEvent, stamp: Stamp, isExact: boolean): MadeLine {
    const stamped = this.#stamper.stamp(event, stamp);
    const refusal = checkEvent(stamped);
    if (refusal !== null) return { refused: stamped, refusal };
    const treated = maskToFit(stamped, this.#masker);
    const masked = isExact ? { ...treated, obj: stamped.obj } : treated;
    // Masking may have made it longer, and an exact object is not shortened for it.
    const tooLong = masked === stamped ? null : lineRefusal(masked);
    return tooLong === null ? { stamp, line: lineOf(masked) } : { refused: masked, refusal: tooLong };
  }
}
