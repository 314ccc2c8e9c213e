/** The report of a version: its first figures here, and the whole of it as a page. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { saveFile } from "../../../shared/save-file.ts";
import type { NamedVersion } from "../app.tsx";
import { type Asked, asJson, ask, modelPath } from "../live/ask.ts";
import { currentKey } from "../live/key.ts";
import { reportFacts } from "../view/report-facts.ts";

interface ReportPanelProps {
  readonly of: NamedVersion;
  readonly close: () => void;
}

/** A report may be large. */
const timeoutMs = 60_000;

export function ReportPanel({ of: { name, version }, close }: ReportPanelProps) {
  const [asked, setAsked] = useState<Asked<unknown> | null>(null);
  const heading = useRef<HTMLDivElement>(null);
  const path = modelPath(name, version, "/report");
  useEffect(() => {
    const own = new AbortController();
    void ask(path, { signal: own.signal, headers: { accept: "application/json" }, timeoutMs }, asJson).then(
      (found) => {
        if (!own.signal.aborted) setAsked(found);
      },
    );
    heading.current?.focus();
    return () => own.abort();
  }, [path]);
  return (
    <Section
      id="report"
      title={`Report of ${name}, version ${version}`}
      intro="Its first figures, as they lie beside the model."
    >
      <div class="panel" tabIndex={-1} ref={heading}>
        <Report asked={asked} path={path} file={`${name}.${version}.report.html`} />
        <button class="plain" type="button" onClick={close}>
          Close
        </button>
      </div>
    </Section>
  );
}

interface ReportProps {
  readonly asked: Asked<unknown> | null;
  readonly path: string;
  /** Name of the page when it is saved. */
  readonly file: string;
}

function Report({ asked, path, file }: ReportProps) {
  if (asked === null) return <p class="muted">Asking for it.</p>;
  if ("problem" in asked) {
    const { detail, code } = asked.problem;
    return (
      <p>
        {detail} {code !== "" && <code>{code}</code>}
      </p>
    );
  }
  const found = reportFacts(asked.value);
  if (found === null) return <p>What lies beside the model is no report that this page can read.</p>;
  return (
    <>
      <ScrollTable label="Table of the report's first figures">
        <table class="plain">
          <thead>
            <tr>
              <td />
              <th scope="col">original</th>
              <th scope="col">model</th>
            </tr>
          </thead>
          <tbody>
            {found.rows.map(([title, original, made]) => (
              <tr key={title}>
                <th scope="row">{title}</th>
                <td>{original}</td>
                <td>{made}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollTable>
      <dl class="facts provenance">
        {found.facts.map(([title, text]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <WholeReport path={path} file={file} />
    </>
  );
}

/** A link carries no key: with one, the page is fetched and saved. */
function WholeReport({ path, file }: Pick<ReportProps, "path" | "file">) {
  const [problem, setProblem] = useState("");
  if (currentKey() === null) {
    return (
      <p class="whole-report">
        <a href={path} target="_blank" rel="noopener noreferrer">
          The whole report
        </a>
      </p>
    );
  }
  const save = async () => {
    const page = await ask(path, { headers: { accept: "text/html" }, timeoutMs }, (response) =>
      response.blob(),
    );
    if ("problem" in page) setProblem(page.problem.detail);
    else saveFile(page.value, file);
  };
  return (
    <p class="whole-report">
      <button class="link" type="button" onClick={() => void save()}>
        Save the whole report
      </button>{" "}
      <span role="status">{problem}</span>
    </p>
  );
}
