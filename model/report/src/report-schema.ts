/**
 * What a compression cost, as data: the contract between what measures (model/compress), what draws
 * (app/console) and what reads `report.json` years later. Every figure is made from the written file,
 * run by the engine with its optimiser on.
 *
 * Units: bytes, milliseconds, decibels; accuracies and shares are fractions in [0, 1].
 */
export interface CompressionReport {
  readonly format: "cupel-report/1";
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly environment: ReportEnvironment;
  readonly seed: number;
  /** The recipe as run, every default filled in. */
  readonly recipe: unknown;
  readonly original: ModelSide;
  readonly compressed: ModelSide;
  /** Null when the images carry no labels. */
  readonly accuracy: AccuracyComparison | null;
  /** How often both models give the same top prediction, labels or not. */
  readonly agreement: number;
  /** Layers in execution order. */
  readonly layers: readonly LayerReport[];
  /** The first layer whose error stands out, and a sentence that says so; null when none does. */
  readonly firstBadLayer: { readonly layer: string; readonly sentence: string } | null;
  /** Images whose top prediction changed: at most 60 shown, the count is whole. */
  readonly changed: { readonly count: number; readonly shown: readonly ChangedImage[] };
  readonly spatial: SpatialMaps;
  readonly fusion: FusionReport;
  /** Points of the search for a budget, in the order tried; empty when nothing was searched. */
  readonly tradeOff: readonly TradeOffPoint[];
  readonly calibration: CalibrationReport;
  /** Remarks a reader must see, such as a CPU without VNNI. */
  readonly notes: readonly string[];
}

export interface ReportEnvironment {
  readonly cupel: string;
  readonly node: string;
  readonly engine: string;
  readonly cpu: string;
  readonly cores: number;
  /** Instruction sets that decide INT8 speed, such as "avx2", "avx512_vnni". */
  readonly features: readonly string[];
}

export interface ModelSide {
  readonly file: string;
  /** On disk, external data included. */
  readonly bytes: number;
  readonly sha256: string;
  readonly parameters: number;
  readonly latency: LatencyReport;
  readonly memory: MemoryReport;
}

/** One image a run, both models in turn. */
export interface LatencyReport {
  readonly threads: number;
  readonly runs: number;
  readonly medianMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
}

/** Peak of a process of its own that loads the model and runs it once warm. Null where the system does not tell. */
export interface MemoryReport {
  readonly wholeProcessBytes: number | null;
  readonly aboveBareProcessBytes: number | null;
  readonly anonymousBytes: number | null;
}

export interface AccuracyComparison {
  readonly images: number;
  readonly classes: readonly string[];
  readonly top1: { readonly original: number; readonly compressed: number };
  /** Null for five classes or fewer. */
  readonly top5: { readonly original: number; readonly compressed: number } | null;
  /** compressed minus original top-1, with its paired 95 % interval. */
  readonly difference: { readonly value: number; readonly low: number; readonly high: number };
  /** Cells (label, prediction) of the confusion matrix that are not empty on either side. */
  readonly confusion: readonly ConfusionCell[];
}

export interface ConfusionCell {
  /** Indices into `classes`. */
  readonly label: number;
  readonly prediction: number;
  readonly original: number;
  readonly compressed: number;
}

export interface ChangedImage {
  readonly id: string;
  /** Index into `classes`, null when unlabelled. */
  readonly label: number | null;
  readonly original: { readonly prediction: number; readonly probability: number };
  readonly compressed: { readonly prediction: number; readonly probability: number };
  /** A PNG as a data URI, at most 96 pixels a side. */
  readonly thumbnail: string;
}

export interface LayerReport {
  /** The activation compared: the name of the value in the original model. */
  readonly name: string;
  /** Operators that make it, such as "Conv + BatchNormalization + Relu". */
  readonly operator: string;
  /** Of one image, without the batch: [C, H, W] or [C]. */
  readonly shape: readonly number[];
  readonly parameters: number;
  /** Of the weights; 32 where they stayed float, null where there are none. */
  readonly weightBits: number | null;
  /** How the weights lie in the file, such as "INT4, per channel". */
  readonly weightForm: string | null;
  readonly bytes: { readonly original: number; readonly compressed: number };
  /** |a - b| / (|a| + eps) over all elements, eps = 1e-2 of the layer's RMS. */
  readonly relativeError: { readonly mean: number; readonly peak: number; readonly std: number };
  /** 10 log10 (sum a^2 / sum (a - b)^2). */
  readonly sqnrDb: number;
  readonly cosine: number;
  readonly range: {
    readonly original: readonly [number, number];
    readonly compressed: readonly [number, number];
  };
  /** Share of the model's run time, null where the engine fused it away. */
  readonly timeShare: { readonly original: number | null; readonly compressed: number | null };
  /** Per output channel: RMS of (a - b) over RMS of a of the whole layer. */
  readonly channelError: readonly number[];
}

/** |a - b| averaged over channels for a few images, at most 32 x 32 cells a map. */
export interface SpatialMaps {
  readonly images: readonly { readonly id: string; readonly thumbnail: string }[];
  readonly layers: readonly {
    readonly layer: string;
    readonly width: number;
    readonly height: number;
    /** One map an image, row by row, each value relative to the layer's RMS. */
    readonly maps: readonly (readonly number[])[];
  }[];
}

export interface FusionReport {
  readonly convolutions: number;
  readonly fused: number;
  /** Nodes the engine left in float, and why where it is known. */
  readonly unfused: readonly { readonly node: string; readonly reason: string }[];
}

export interface TradeOffPoint {
  readonly bytes: number;
  /** Agreement-based loss on the held-out calibration images; never on evaluation images. */
  readonly loss: number;
  readonly chosen: boolean;
}

export interface CalibrationReport {
  readonly method: string;
  readonly images: number;
  readonly batches: number;
  /** True when the ranges stopped moving before the images ran out. */
  readonly stoppedEarly: boolean;
}
