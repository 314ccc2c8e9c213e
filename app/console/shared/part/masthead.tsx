/** The head of a page: what it is, when it was made, its title, and what a reader must know first. */
import type { ComponentChildren } from "preact";

interface MastheadProps {
  /** "compression report" */
  readonly kind: string;
  readonly title: string;
  /** ISO 8601. */
  readonly madeAt?: string;
  readonly children: ComponentChildren;
}

export function Masthead({ kind, title, madeAt = "", children }: MastheadProps) {
  const made = new Date(madeAt);
  return (
    <header class="masthead">
      <p class="eyebrow">
        <span class="brand">Cupel</span> {kind}
        {!Number.isNaN(made.getTime()) && (
          <time dateTime={madeAt}>
            {made.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" })} UTC
          </time>
        )}
      </p>
      <h1>{title}</h1>
      {children}
    </header>
  );
}
