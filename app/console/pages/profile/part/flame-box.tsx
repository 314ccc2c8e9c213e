/** One box of the flame graph. Where it lies is three numbers in its style; the style sheet does the rest. */
import type { Box } from "../view/boxes.ts";

interface FlameBoxProps {
  readonly box: Box;
  readonly label: string;
  /** The one box that the tab key reaches. */
  readonly isCurrent: boolean;
  readonly isZoomed: boolean;
  readonly isHit: boolean;
}

export function FlameBox({
  box: { frame, x, width, depth },
  label,
  isCurrent,
  isZoomed,
  isHit,
}: FlameBoxProps) {
  return (
    <div
      role="treeitem"
      class={isHit ? `${frame.kind} hit` : frame.kind}
      aria-level={depth + 1}
      aria-label={label}
      aria-current={isZoomed ? "true" : undefined}
      tabIndex={isCurrent ? 0 : -1}
      title={label}
      style={{ "--x": shortened(x), "--w": shortened(width), "--depth": depth }}
    >
      <span>{frame.name}</span>
    </div>
  );
}

const shortened = (value: number) => Number(value.toFixed(9));
