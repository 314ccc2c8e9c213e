/** The page from top to bottom: whether all is well first. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Masthead } from "../../shared/part/masthead.tsx";
import { Section } from "../../shared/part/section.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import { type ServerState, unknownServer, type Watch, watchServer } from "./live/watch-server.ts";
import { Errors } from "./part/errors.tsx";
import { KeyForm } from "./part/key-form.tsx";
import { ModelTable } from "./part/model-table.tsx";
import { NowCards } from "./part/now-cards.tsx";
import { Remarks, titleOf } from "./part/remarks.tsx";
import { ReportPanel } from "./part/report-panel.tsx";
import { Stages } from "./part/stages.tsx";
import { TryImage } from "./part/try-image.tsx";
import { lastMinute } from "./view/history.ts";
import { readyModels, rowsWithoutIndex } from "./view/model-rows.ts";
import { isRefusal } from "./view/problem.ts";

export interface NamedVersion {
  readonly name: string;
  readonly version: string;
}

export function App() {
  const [state, setState] = useState<ServerState>(unknownServer);
  const [shown, setShown] = useState<NamedVersion | null>(null);
  const watch = useRef<Watch | null>(null);
  useEffect(() => {
    watch.current = watchServer(setState);
    return () => watch.current?.stop();
  }, []);
  const { about, history, index, indexProblem, metricsProblem } = state;
  const title = titleOf(state);
  useEffect(() => {
    document.title = about === null ? "Cupel server" : `${title}: ${about.name} ${about.version}`;
  }, [title, about]);
  const latest = history.snapshots.at(-1) ?? null;
  const span = lastMinute(history);
  const entries = index ?? rowsWithoutIndex(latest);
  const isRefused = [indexProblem, metricsProblem].some((problem) => problem !== null && isRefusal(problem));
  return (
    <>
      <SkipLink />
      <Masthead kind={about === null ? "server" : `server, ${about.name} ${about.version}`} title={title}>
        <Remarks state={state} />
        <KeyForm isWanted={isRefused} changed={() => watch.current?.again()} />
      </Masthead>
      <main id="main">
        {latest !== null && (
          <Section id="now" title="Now" intro="Rates, times and shares are of the last minute.">
            <NowCards latest={latest} span={span} points={history.points} />
          </Section>
        )}
        <Section
          id="models"
          title="Models"
          intro="Every version, and the requests for it in the last minute."
        >
          <ModelTable entries={entries} latest={latest} span={span} show={setShown} />
        </Section>
        {shown !== null && (
          <ReportPanel key={`${shown.version}/${shown.name}`} of={shown} close={() => setShown(null)} />
        )}
        <TryImage models={readyModels(entries)} />
        {latest !== null && <Stages models={readyModels(entries)} span={span} />}
        {latest !== null && <Errors latest={latest} span={span} />}
      </main>
    </>
  );
}
