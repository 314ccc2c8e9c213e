/** What was told of an image, in words and figures: all that is drawn is here as well. */
import { figureText, percentText, plural } from "../../../shared/view/number-text.ts";
import type { Answer, ToldClass } from "../view/answer.ts";
import { BarRow } from "./bar-row.tsx";

/** More are counted and not listed. */
const most = 50;

export function AnswerLists({ answer }: { readonly answer: Answer }) {
  const { classes, boxes, mask, text, values } = answer;
  return (
    <>
      {classes !== null && <Classes told={classes} none="No class reaches the least score." />}
      {boxes !== null && <Classes told={boxes} none="Nothing was found." count="box" counts="boxes" />}
      {mask !== null && <Classes told={mask} none="No class was found." />}
      {text !== null && (
        <p class="told-text">
          <q>{text.text}</q> <span class="muted">({percentText(text.score)})</span>
        </p>
      )}
      {values !== null && <Values values={values} />}
    </>
  );
}

interface ClassesProps {
  readonly told: readonly ToldClass[];
  readonly none: string;
  readonly count?: string;
  readonly counts?: string;
}

function Classes({ told, none, count = "class", counts = "classes" }: ClassesProps) {
  if (told.length === 0) return <p class="muted">{none}</p>;
  return (
    <>
      <ul class="bar-list">
        {told.slice(0, most).map(({ name, score }, i) => (
          <BarRow key={i} title={name} about="" share={score} text={percentText(score)} />
        ))}
      </ul>
      {told.length > most && <p class="muted">{plural(told.length, count, counts)} in all.</p>}
    </>
  );
}

function Values({ values }: { readonly values: readonly number[] }) {
  return (
    <p class="told-values">
      {values
        .slice(0, most)
        .map((value) => figureText(value, 4))
        .join(", ")}
      {values.length > most && ` ... ${plural(values.length, "value")} in all`}
    </p>
  );
}
