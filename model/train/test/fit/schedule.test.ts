/** Schedules against PyTorch 2.x's, and warm-up against its formula. */
import assert from "node:assert/strict";
import test from "node:test";
import { learningRateAt, type Schedule } from "@cupel/train";
import { checkSchedule } from "../../src/fit/schedule.ts";

const total = 10;
const learningRate = 0.1;

/** What torch.optim.lr_scheduler gives for ten steps at 0.1, by the call beside it. */
const published: readonly (readonly [call: string, schedule: Schedule, learningRates: readonly number[]])[] =
  [
    [
      "OneCycleLR(max_lr=0.1, total_steps=10)",
      { kind: "one-cycle", learningRate },
      [
        0.0040000000000000036, 0.052000000000000005, 0.1, 0.09504846320134738, 0.0811745653949763,
        0.06112620219362893, 0.03887419780637107, 0.0188258346050237, 0.004951936798652629, 4e-7,
      ],
    ],
    [
      "CosineAnnealingLR(T_max=10, eta_min=0.01)",
      { kind: "cosine", learningRate, final: 0.01 },
      [
        0.1, 0.09779754323328192, 0.09140576474687263, 0.08145033635316129, 0.06890576474687264,
        0.05500000000000001, 0.04109423525312737, 0.028549663646838717, 0.01859423525312737,
        0.012202456766718092,
      ],
    ],
    [
      "MultiStepLR(milestones=[5, 7], gamma=0.1)",
      { kind: "step", learningRate, milestones: [0.5, 0.7] },
      [0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001],
    ],
  ];

for (const [call, schedule, learningRates] of published) {
  test(`${schedule.kind} is PyTorch's ${call}`, () => {
    learningRates.forEach((expected, step) => {
      assert.ok(Math.abs(learningRateAt(schedule, step, total) - expected) < 1e-12, `step ${step}`);
    });
  });
}

test("warm-up rises in a line to the learning rate, and what follows begins there", () => {
  const schedule: Schedule = { kind: "cosine", learningRate, warmup: 4 };
  const learningRates = Array.from({ length: 5 }, (_, step) => learningRateAt(schedule, step, total));
  assert.deepEqual(learningRates, [
    learningRate / 4,
    (learningRate * 2) / 4,
    (learningRate * 3) / 4,
    learningRate,
    learningRate,
  ]);
});

const refused: readonly (readonly [why: string, schedule: Schedule])[] = [
  ["a learning rate of 0", { kind: "constant", learningRate: 0 }],
  ["a learning rate that is no number", { kind: "one-cycle", learningRate: Number.NaN }],
  ["a warm-up as long as the training", { kind: "cosine", learningRate, warmup: total }],
  ["a milestone in steps", { kind: "step", learningRate, milestones: [5] }],
  ["a rise over everything", { kind: "one-cycle", learningRate, rise: 1 }],
];

for (const [why, schedule] of refused) {
  test(`${why} is refused`, () => {
    assert.throws(() => checkSchedule(schedule, total), { code: "TRAINING_CONFIG_INVALID" });
  });
}
