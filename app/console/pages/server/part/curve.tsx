/** A small curve of the last looks. It repeats what a figure says, so that a screen reader passes it over. */

const width = 120;
const height = 28;
/** A curve that would never be above its own line is drawn to this scale. */
const leastTop = 1e-9;

/** @param values the oldest first */
export function Curve({ values }: { readonly values: readonly number[] }) {
  if (values.length < 2) return <svg class="curve" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" />;
  const top = Math.max(leastTop, ...values);
  const points = values.map((value, i) => {
    const x = (i / (values.length - 1)) * width;
    return `${x.toFixed(1)},${(height - 1 - (value / top) * (height - 3)).toFixed(1)}`;
  });
  return (
    <svg class="curve" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,${height} ${points.join(" ")} ${width},${height}`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}
