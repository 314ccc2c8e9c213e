import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuFeatures, cpuFeatures, int8Advice } from "@cupel/runtime";
import { type CpuDescription, judgeCpu, parseCpuinfo, parseSysctl } from "../src/processor/cpu-features.ts";

/** The lines that matter of what such systems say, shortened; the features are those of the makers' data sheets. */
const samples: Readonly<
  Record<
    string,
    {
      description: CpuDescription;
      features: CpuFeatures["features"];
      model: string;
      int8Pays: CpuFeatures["int8Pays"];
      reduceRange: boolean;
    }
  >
> = {
  "Ice Lake server": {
    description: parseCpuinfo(
      "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz\n" +
        "flags\t\t: fpu sse4_2 avx avx2 avx512f avx512dq avx512_vnni avx512_bitalg\nbugs\t\t: spectre_v1\n",
    ),
    features: ["avx2", "avx512f", "avx512_vnni"],
    model: "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    int8Pays: "yes",
    reduceRange: false,
  },
  "Alder Lake desktop": {
    description: parseCpuinfo(
      "processor\t: 0\nmodel name\t: 12th Gen Intel(R) Core(TM) i7-12700\nflags\t\t: fpu avx avx2 fma avx_vnni\n",
    ),
    features: ["avx2", "avx_vnni"],
    model: "12th Gen Intel(R) Core(TM) i7-12700",
    int8Pays: "yes",
    reduceRange: false,
  },
  "Haswell desktop": {
    description: parseCpuinfo(
      "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7-4790 CPU @ 3.60GHz\nflags\t\t: fpu sse2 avx avx2 fma\n\n" +
        "processor\t: 1\nmodel name\t: Intel(R) Core(TM) i7-4790 CPU @ 3.60GHz\nflags\t\t: fpu sse2 avx avx2 fma\n",
    ),
    features: ["avx2"],
    model: "Intel(R) Core(TM) i7-4790 CPU @ 3.60GHz",
    int8Pays: "no",
    reduceRange: true,
  },
  "Skylake server, AVX-512 without VNNI": {
    description: parseCpuinfo(
      "model name\t: Intel(R) Xeon(R) Silver 4116 CPU @ 2.10GHz\nflags\t\t: avx2 avx512f avx512bw\n",
    ),
    features: ["avx2", "avx512f"],
    model: "Intel(R) Xeon(R) Silver 4116 CPU @ 2.10GHz",
    int8Pays: "no",
    reduceRange: true,
  },
  "Neoverse N1 server": {
    description: parseCpuinfo(
      "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n" +
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n",
    ),
    features: ["neon", "dotprod"],
    model: "Arm 0x41/0xd0c",
    int8Pays: "yes",
    reduceRange: false,
  },
  "Raspberry Pi 4": {
    description: parseCpuinfo(
      "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n",
    ),
    features: ["neon"],
    model: "Arm 0x41/0xd08",
    int8Pays: "no",
    reduceRange: false,
  },
  "Apple M2": {
    description: parseSysctl(
      "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 1\nhw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_SME: 0\n" +
        "machdep.cpu.brand_string: Apple M2\nmachdep.cpu.core_count: 8\n",
    ),
    features: ["neon", "dotprod", "i8mm"],
    model: "Apple M2",
    int8Pays: "yes",
    reduceRange: false,
  },
  "Intel Mac": {
    description: parseSysctl(
      "machdep.cpu.brand_string: Intel(R) Core(TM) i5-8259U CPU @ 2.30GHz\nmachdep.cpu.features: FPU SSE4.2 AVX1.0\n" +
        "machdep.cpu.leaf7_features: RDWRFSGS BMI1 AVX2 SMEP\n",
    ),
    features: ["avx2"],
    model: "Intel(R) Core(TM) i5-8259U CPU @ 2.30GHz",
    int8Pays: "no",
    reduceRange: true,
  },
  "a system that tells nothing": {
    description: parseSysctl(""),
    features: [],
    model: "unknown",
    int8Pays: "unknown",
    reduceRange: false,
  },
};

for (const [name, { description, ...expected }] of Object.entries(samples)) {
  test(`${name}: features, and what they mean for INT8`, () => {
    const cpu = judgeCpu(description, { cores: 4, architecture: "x64" });
    const { warning, reduceRange } = int8Advice(cpu);
    const { model, features, int8Pays } = cpu;
    assert.deepEqual({ model, features, int8Pays, reduceRange }, expected);
    assert.equal(warning, expected.int8Pays === "yes" ? null : cpu.sentence);
  });
}

test("an empty /proc/cpuinfo is not the same as a processor without features", () => {
  assert.equal(judgeCpu(parseCpuinfo(""), { cores: 1, architecture: "x64" }).int8Pays, "unknown");
});

test("this machine can be asked", () => {
  const cpu = cpuFeatures();
  assert.equal(cpu.architecture, process.arch);
  assert.ok(cpu.cores >= 1);
});
