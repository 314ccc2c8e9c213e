/** The few figures that say how the server does. */
import {
  bytesText,
  countText,
  figureText,
  fixedText,
  MISSING,
  millisecondsText,
  percentText,
  plural,
} from "../../../shared/view/number-text.ts";
import { loadFigures, machineFigures } from "../view/figures.ts";
import type { Point, Span } from "../view/history.ts";
import type { Snapshot } from "../view/snapshot.ts";
import { Curve } from "./curve.tsx";

interface NowCardsProps {
  readonly latest: Snapshot;
  readonly span: Span | null;
  readonly points: readonly Point[];
}

export function NowCards({ latest, span, points }: NowCardsProps) {
  const load = loadFigures(latest, span);
  const machine = machineFigures(latest, span);
  const curve = (of: (point: Point) => number) => <Curve values={points.map(of)} />;
  const cores = machine.cores === null ? MISSING : `${fixedText(machine.cores, 2)} cores`;
  return (
    <dl class="now-cards">
      <Card title="requests a second" value={figureText(load.rate)} note="for models">
        {curve(({ rate }) => rate)}
      </Card>
      <Card title="errors" value={percentText(load.errorShare)} note="of these requests">
        {curve(({ errorRate }) => errorRate)}
      </Card>
      <Card title="median time" value={millisecondsText(load.p50)}>
        <p class="note">
          P90 {millisecondsText(load.p90)}, P99 {millisecondsText(load.p99)}
        </p>
      </Card>
      <Card
        title="in the queue"
        value={countText(load.queued)}
        note={`${countText(machine.inFlight)} being answered`}
      >
        {curve(({ queued }) => queued)}
      </Card>
      <Card title="rows a run" value={figureText(load.rows)} note="joined in the engine" />
      <Card title="cache hits" value={percentText(load.hits)} note="of look-ups" />
      <Card
        title="memory"
        value={bytesText(machine.memory)}
        note={plural(machine.processes, "process", "processes")}
      >
        {curve(({ memory }) => memory)}
      </Card>
      <Card title="processor" value={cores} note="in use" />
    </dl>
  );
}

interface CardProps {
  readonly title: string;
  readonly value: string;
  readonly note?: string;
  readonly children?: preact.ComponentChildren;
}

function Card({ title, value, note, children }: CardProps) {
  return (
    <div class="now-card">
      <dt>{title}</dt>
      <dd>
        <b>{value}</b>
        {note !== undefined && <p class="note">{note}</p>}
        {children}
      </dd>
    </div>
  );
}
