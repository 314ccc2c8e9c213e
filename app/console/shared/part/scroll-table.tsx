/** A table that may be wider than the page: it scrolls by itself, by keyboard too. */
import type { ComponentChildren } from "preact";

interface ScrollTableProps {
  /** What a screen reader calls the region. */
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function ScrollTable({ label, class: name = "scroll-x", children }: ScrollTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must take the keyboard
    <section class={name} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
