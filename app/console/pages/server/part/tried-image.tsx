/** What came of one image. */
import { millisecondsText } from "../../../shared/view/number-text.ts";
import type { Tried } from "../live/predict.ts";
import { AnswerLists } from "./answer-lists.tsx";
import { BarRow } from "./bar-row.tsx";
import { CurlLine } from "./curl-line.tsx";
import { Picture } from "./picture.tsx";

export function TriedImage({ tried }: { readonly tried: Tried }) {
  const { file, outcome, stages, tookMs, curl } = tried;
  const longest = Math.max(...stages.map(({ ms }) => ms), 0);
  if ("problem" in outcome) {
    const { detail, code } = outcome.problem;
    return (
      <div class="panel tried" role="status">
        <p class="remark warning">
          <b>Not predicted.</b> {detail} {code !== "" && <code>{code}</code>}
        </p>
        <CurlLine line={curl} />
      </div>
    );
  }
  const { answer } = outcome;
  return (
    <div class="panels tried">
      <div class="panel">
        <h3>{file.name}</h3>
        <Picture file={file} answer={answer} />
      </div>
      <div class="panel">
        <h3>{`${answer.model}, version ${answer.version}: ${answer.task}`}</h3>
        <div role="status">
          <AnswerLists answer={answer} />
        </div>
        <h3 class="times-title">{`Answered in ${millisecondsText(tookMs)}`}</h3>
        <ul class="bar-list">
          {stages.map(({ stage, ms }) => (
            <BarRow
              key={stage}
              title={stage}
              about=""
              share={longest > 0 ? ms / longest : 0}
              text={millisecondsText(ms)}
            />
          ))}
        </ul>
        <p class="muted">The rest went to the way there and back.</p>
        <CurlLine line={curl} />
      </div>
    </div>
  );
}
