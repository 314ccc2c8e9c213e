/** Brings a part of the page into view, and the keyboard with it. The part takes the focus by `tabIndex={-1}`. */
export function showPart(id: string): void {
  // What is chosen is drawn first.
  requestAnimationFrame(() => {
    const part = document.getElementById(id);
    part?.scrollIntoView({ block: "start" });
    part?.focus({ preventScroll: true });
  });
}
