/** Which channels went, by groups that can only go together, and what removing more of each would do. */
import type { PruningReport } from "@cupel/report";
import { useMemo } from "preact/hooks";
import type { Line } from "../../../shared/chart/line.ts";
import { LineChart } from "../../../shared/chart/line-chart.tsx";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { countText, errorText, percentText, plural } from "../../../shared/view/number-text.ts";
import { shortName } from "../view/layer-name.ts";
import { fineTuningSentence, pruningSentence } from "../view/stages.ts";

type Group = PruningReport["groups"][number];

export function PruningPanel({ pruned }: { readonly pruned: PruningReport }) {
  const tuned = fineTuningSentence(pruned);
  const curves = pruned.groups.filter(({ sensitivity }) => sensitivity.length > 1);
  return (
    <div class="panel wide pruning">
      <h3>Channels removed</h3>
      <p class="muted">
        A group is channels that can only go together, named after the first layer that makes them. The bar is
        what is left.
      </p>
      <p class="conclusion">
        {pruningSentence(pruned)} {tuned}
      </p>
      <div class="table-and-chart">
        <ScrollTable class="stage-table" label="Groups of channels">
          <GroupTable groups={pruned.groups} />
        </ScrollTable>
        {curves.length > 0 && (
          <div>
            <h4>What removing more would do</h4>
            <p class="muted">
              A line is one group that loses channels while all others stay, the least important first and
              nothing made good.
            </p>
            <SensitivityChart groups={curves} />
          </div>
        )}
      </div>
      {pruned.refusals.length > 0 && <Refusals refusals={pruned.refusals} />}
    </div>
  );
}

function GroupTable({ groups }: { readonly groups: readonly Group[] }) {
  const widest = Math.max(...groups.map(({ channels }) => channels));
  const share = (channels: number) => `${widest > 0 ? (100 * channels) / widest : 0}%`;
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">group</th>
          <th scope="col" class="numeric">
            before
          </th>
          <th scope="col" class="numeric">
            after
          </th>
          <th scope="col" class="of-bar">
            <span class="visually-hidden">As a bar</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {groups.map(({ name, layers, channels, kept }) => (
          <tr key={name}>
            <th scope="row" title={layers.join("\n")}>
              <span class="name">{shortName(name, 34)}</span>
              {layers.length > 1 && <span class="muted"> and {layers.length - 1} more</span>}
            </th>
            <td class="numeric">{countText(channels)}</td>
            <td class="numeric">{countText(kept)}</td>
            <td class="of-bar">
              <div class="track" aria-hidden="true">
                <div class="bar original" style={{ width: share(channels) }} />
                <div class="bar compressed over" style={{ width: share(kept) }} />
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SensitivityChart({ groups }: { readonly groups: readonly Group[] }) {
  const lines = useMemo(() => groups.map(lineOf), [groups]);
  const [worst] = groups.toSorted((a, b) => mostOf(b) - mostOf(a));
  const label = `Change of the outputs against the share of its channels that a group keeps, of ${plural(groups.length, "group")}${
    worst ? `; the most sensitive is ${shortName(worst.name, 60)}, up to ${errorText(mostOf(worst))}` : ""
  }.`;
  return (
    <LineChart
      label={label}
      lines={lines}
      x={{ name: "channels that stay", text: (share) => percentText(share, 0), inverse: true }}
      y={{ name: "change of the outputs", text: errorText, fromZero: true }}
    />
  );
}

const mostOf = ({ sensitivity }: Group) => Math.max(...sensitivity.map(({ divergence }) => divergence));

function lineOf({ name, channels, sensitivity }: Group): Line {
  return {
    colour: "compressed",
    points: sensitivity.map(({ kept, divergence }) => ({
      x: kept / channels,
      y: divergence,
      told: [
        shortName(name, 50),
        `${countText(kept)} of ${plural(channels, "channel")} left`,
        `outputs change by ${errorText(divergence)}`,
      ],
    })),
  };
}

function Refusals({ refusals }: Pick<PruningReport, "refusals">) {
  return (
    <details class="more">
      <summary>What keeps other channels ({countText(refusals.length)})</summary>
      <ul class="refusals">
        {refusals.map(({ node, reason, channels }) => (
          <li key={`${node} ${reason}`}>
            {node !== null && <code>{node}</code>} {reason}{" "}
            <span class="muted">({plural(channels, "channel")})</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
