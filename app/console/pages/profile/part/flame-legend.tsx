/** What the colours of the flame graph mean. */
import { kindText } from "../view/frame-text.ts";

export function FlameLegend() {
  return (
    <ul class="flame-legend">
      {Object.entries(kindText).map(([kind, text]) => (
        <li key={kind}>
          <span class={`flame-swatch ${kind}`} aria-hidden="true" /> {text}
        </li>
      ))}
    </ul>
  );
}
