/** What no trace from inside can see. docs/env-trace.md has the same list, and tests that show each. */
import { Section } from "../../../shared/part/section.tsx";

const ways: readonly (readonly [string, string])[] = [
  ["/proc/self/environ, also read by a child", "the system keeps what the process was started with"],
  ["node:ffi, native code", "calls getenv"],
  ["what ran before the preload", "has a reference to the real process.env"],
  ["node:inspector", "looks into functions"],
  [
    "a script that gives itself the path of another's, by vm",
    "a stack shows the name that a script was given",
  ],
  ["a package that gives away what it may read", "the reader counts"],
  ["env -i, a program that drops NODE_OPTIONS, other languages", "no preload"],
];

export function Uncovered() {
  return (
    <Section
      id="uncovered"
      title="What a trace does not see"
      intro="Code inside a process cannot close these. Who must be sure starts the program without secrets, and lets the one package that needs them fetch them."
    >
      <div class="panel">
        <dl class="facts uncovered">
          {ways.map(([way, why]) => (
            <div key={way}>
              <dt>{way}</dt>
              <dd>{why}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Section>
  );
}
