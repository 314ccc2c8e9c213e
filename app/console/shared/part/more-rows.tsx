/** The first of many rows, and a button for the others: a page of thousands of rows is slow, and read by nobody. */
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { countText } from "../view/number-text.ts";

interface MoreRowsProps<Row> {
  readonly rows: readonly Row[];
  /** That are shown at first, and more at each press. */
  readonly most: number;
  readonly children: (shown: readonly Row[]) => ComponentChild;
}

export function MoreRows<Row>({ rows, most, children }: MoreRowsProps<Row>) {
  const [count, setCount] = useState(most);
  const left = rows.length - count;
  return (
    <>
      {children(rows.slice(0, count))}
      {left > 0 && (
        <p class="more">
          <button type="button" class="plain" onClick={() => setCount(count + most * 5)}>
            Show {countText(Math.min(left, most * 5))} more of {countText(left)}
          </button>
        </p>
      )}
    </>
  );
}
