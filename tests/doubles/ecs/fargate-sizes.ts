/** What Fargate has: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html */

const GIB = 1024;
const steps = (first: number, last: number, step: number): number[] =>
  Array.from({ length: (last - first) / step + 1 }, (_, at) => (first + at * step) * GIB);

/** CPU units (1,024 are a vCPU) → memory in MiB. */
const SIZES: Record<string, number[]> = {
  256: [0.5 * GIB, GIB, 2 * GIB],
  512: steps(1, 4, 1),
  1024: steps(2, 8, 1),
  2048: steps(4, 16, 1),
  4096: steps(8, 30, 1),
  8192: steps(16, 60, 4),
  16384: steps(32, 120, 8),
};

/** `1024`, `1 vCPU`, `.25 vcpu` → CPU units. */
export function cpuUnits(text: string): number {
  const [, vcpu] = /^([\d.]+)\s*vcpu$/i.exec(text) ?? [];
  return vcpu === undefined ? Number(text) : Number(vcpu) * 1024;
}

/** `2048`, `2 GB` → MiB. */
export function memoryMiB(text: string): number {
  const [, gb] = /^([\d.]+)\s*gb$/i.exec(text) ?? [];
  return gb === undefined ? Number(text) : Number(gb) * GIB;
}

export const isFargateSize = (cpu: string, memory: string): boolean =>
  SIZES[cpuUnits(cpu)]?.includes(memoryMiB(memory)) ?? false;

export const noSuchSize = (cpu: string, memory: string): string =>
  `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory. See the Amazon ECS documentation for the valid values.`;
