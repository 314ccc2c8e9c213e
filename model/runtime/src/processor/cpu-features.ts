/**
 * What the processor can do with 8-bit integers, read from what the system says about itself. Pure: text
 * in, facts out.
 *
 * INT8 pays only where one instruction multiplies and accumulates four byte products: VNNI on x86 (AVX-512
 * VNNI, AVX-VNNI, AMX-INT8), dot product or matrix multiply on Arm (FEAT_DotProd, FEAT_I8MM). Without VNNI
 * x86 multiplies u8 by s8 in pairs and saturates the 16-bit sum (`vpmaddubsw`), silently: weights must then
 * keep to 7 bits (`reduceRange`). https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
 */
export interface CpuFeatures {
  /** As the system names it; "unknown" when it does not. */
  readonly model: string;
  /** Logical cores this process may use. */
  readonly cores: number;
  /** Node's name: "x64", "arm64". */
  readonly architecture: string;
  /** Those of `knownFeatures` that are there, in that order. */
  readonly features: readonly CpuFeature[];
  readonly int8Pays: "yes" | "no" | "unknown";
  /** The same for a person. */
  readonly sentence: string;
}

interface FeatureNames {
  /** Flag in /proc/cpuinfo. */
  readonly linux: string;
  /** `sysctl` key that is 1, or a word among those of `machdep.cpu`; null when macOS runs on no such processor. */
  readonly macos: string | null;
  /** What the feature does for INT8. */
  readonly int8: "fast" | "saturates" | "none";
}

const knownFeatures = {
  avx2: { linux: "avx2", macos: "AVX2", int8: "saturates" },
  avx512f: { linux: "avx512f", macos: "AVX512F", int8: "saturates" },
  avx512_vnni: { linux: "avx512_vnni", macos: "AVX512VNNI", int8: "fast" },
  avx_vnni: { linux: "avx_vnni", macos: null, int8: "fast" },
  amx_int8: { linux: "amx_int8", macos: null, int8: "fast" },
  neon: { linux: "asimd", macos: "hw.optional.AdvSIMD", int8: "none" },
  dotprod: { linux: "asimddp", macos: "hw.optional.arm.FEAT_DotProd", int8: "fast" },
  i8mm: { linux: "i8mm", macos: "hw.optional.arm.FEAT_I8MM", int8: "fast" },
  sve: { linux: "sve", macos: null, int8: "none" },
} as const satisfies Record<string, FeatureNames>;

export type CpuFeature = keyof typeof knownFeatures;

const featureNames = Object.keys(knownFeatures).filter((name): name is CpuFeature =>
  Object.hasOwn(knownFeatures, name),
);

/** What one system's text says; null where it says nothing. */
export interface CpuDescription {
  readonly model: string | null;
  readonly features: readonly CpuFeature[] | null;
}

/** @param text of /proc/cpuinfo. The first processor speaks for all. */
export function parseCpuinfo(text: string): CpuDescription {
  const field = (name: RegExp) => text.match(new RegExp(`^${name.source}\\s*:\\s*(.*)$`, "m"))?.[1]?.trim();
  const flags = field(/(?:flags|Features)/)?.split(/\s+/);
  const implementer = field(/CPU implementer/);
  const arm = implementer === undefined ? null : `Arm ${implementer}/${field(/CPU part/) ?? "?"}`;
  return {
    model: field(/model name/) ?? field(/Hardware/) ?? arm,
    features: flags ? featureNames.filter((name) => flags.includes(knownFeatures[name].linux)) : null,
  };
}

/** @param text of `sysctl hw.optional machdep.cpu`: lines `key: value`. */
export function parseSysctl(text: string): CpuDescription {
  const entries = new Map(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf(": ");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 2).trim()] as const];
    }),
  );
  if (entries.size === 0) return { model: null, features: null };
  const words = ["machdep.cpu.features", "machdep.cpu.leaf7_features"].flatMap(
    (key) => entries.get(key)?.split(/\s+/) ?? [],
  );
  return {
    model: entries.get("machdep.cpu.brand_string") ?? null,
    features: featureNames.filter((name) => {
      const { macos } = knownFeatures[name];
      return macos !== null && (entries.get(macos) === "1" || words.includes(macos));
    }),
  };
}

/** Facts and judgement from a description. */
export function judgeCpu(
  description: CpuDescription,
  machine: { cores: number; architecture: string },
): CpuFeatures {
  const features = description.features ?? [];
  const fast = features.filter((name) => knownFeatures[name].int8 === "fast");
  const int8Pays = description.features === null ? "unknown" : fast.length > 0 ? "yes" : "no";
  const model = description.model ?? "unknown";
  const sentences = {
    yes: `${model} has ${fast.join(" and ")}: INT8 should run several times faster than float32.`,
    no: `${model} has no 8-bit dot product (VNNI, dotprod): INT8 will save memory, but little or no time.`,
    unknown: "This system does not tell what its processor can do; measure before relying on INT8 for speed.",
  };
  return { model, ...machine, features, int8Pays, sentence: sentences[int8Pays] };
}

export interface Int8Advice {
  /** A sentence to show when INT8 will not pay, or when nobody can tell; null when it will. */
  readonly warning: string | null;
  /** Keep weights to 7 bits: this processor saturates sums of u8 x s8 products. */
  readonly reduceRange: boolean;
}

export function int8Advice(cpu: CpuFeatures): Int8Advice {
  return {
    warning: cpu.int8Pays === "yes" ? null : cpu.sentence,
    reduceRange:
      cpu.int8Pays === "no" && cpu.features.some((name) => knownFeatures[name].int8 === "saturates"),
  };
}
