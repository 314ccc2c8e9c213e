/** What somebody who runs the server must know first. */
import { plural } from "../../../shared/view/number-text.ts";
import type { ServerState } from "../live/watch-server.ts";
import { stateWords } from "../view/model-rows.ts";
import { isAbsent, isRefusal, type Problem } from "../view/problem.ts";

export function titleOf({ answers, isReady, index }: ServerState): string {
  if (answers === null) return "Asking the server";
  if (!answers) return "The server does not answer";
  if (isReady === false) return "The server is not ready";
  if (index === null) return "The server is ready";
  const ready = index.filter(({ state }) => state === "READY");
  return `${plural(ready.length, "version")} in service`;
}

export function Remarks({ state }: { readonly state: ServerState }) {
  const { answers, isReady, about, index, indexProblem, metricsProblem } = state;
  const failed = (index ?? []).filter((entry) => stateWords(entry).look === "bad");
  const refused = (index ?? []).filter(({ state: its, reason }) => its === "READY" && reason !== "");
  return (
    // Told once when it changes; figures are not.
    <div class="remarks" role="status">
      {answers === false && (
        <p class="remark warning">
          <b>No answer.</b> The page asks again by itself, less and less often. What it shows is of before.
        </p>
      )}
      {answers && isReady === false && (
        <p class="remark warning">
          <b>Not ready.</b> {notReady(indexProblem)}
        </p>
      )}
      {failed.length > 0 && (
        <p class="remark warning">
          <b>{plural(failed.length, "version")} could not be loaded.</b> The reason stands in the{" "}
          <a href="#models">table</a>.
        </p>
      )}
      {refused.length > 0 && (
        <p class="remark">
          <b>{plural(refused.length, "newer file")} refused.</b> What was in service before answers on; the
          reason stands in the <a href="#models">table</a>.
        </p>
      )}
      {about?.isAttested && (
        <p class="remark good">
          <b>Attested.</b> A version is in service only when it lies in a folder that is as it was sealed, by
          somebody whom the server's policy trusts.
        </p>
      )}
      {answers && <Missing what="models" action="index" problem={indexProblem} />}
      {answers && <Missing what="figures" action="metrics" problem={metricsProblem} />}
    </div>
  );
}

function notReady(problem: Problem | null): string {
  if (problem?.code === "SERVER_STARTING") return "It loads its models.";
  if (problem?.code === "SERVER_STOPPING") return "It is shutting down.";
  return "A model that is to be served is not ready.";
}

interface MissingProps {
  readonly what: string;
  readonly action: string;
  readonly problem: Problem | null;
}

function Missing({ what, action, problem }: MissingProps) {
  if (problem === null || problem.status === 0 || problem.code === "SERVER_STARTING") return null;
  if (isAbsent(problem)) {
    return (
      <p class="remark">
        <b>No {what}.</b> They are turned off here (admin.enabled).
      </p>
    );
  }
  return (
    <p class="remark">
      <b>No {what}.</b>{" "}
      {isRefusal(problem)
        ? `They are for a caller that may do "${action}". Give a key that may.`
        : `${problem.detail} (${problem.code || problem.status})`}
    </p>
  );
}
