/** A line of a list: what it is, a bar, and the figure that the bar is of. */

interface BarRowProps {
  readonly title: string;
  readonly about: string;
  /** 0 to 1. */
  readonly share: number;
  readonly text: string;
}

export function BarRow({ title, about, share, text }: BarRowProps) {
  const percent = Math.max(0, Math.min(1, share)) * 100;
  return (
    <li>
      <span class="bar-title">
        {title}
        {about !== "" && <span class="muted">, {about}</span>}
      </span>
      <span class="bar-track" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      <span class="bar-figure">{text}</span>
    </li>
  );
}
