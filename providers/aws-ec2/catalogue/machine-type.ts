import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import { baselineCpuMilli } from './burstable-baselines.ts';

/** An instance type, as far as cells are concerned. */
export interface MachineType {
  readonly name: string;
  /** `kubernetes.io/arch`. */
  readonly arch: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly gpuMemoryBytes: number;
  /** Devices by the name of their extended resource. */
  readonly devices: Readonly<Record<string, number>>;
  readonly isMetal: boolean;
  readonly isCurrentGeneration: boolean;
  readonly isOnDemand: boolean;
  readonly isSpot: boolean;
  /** Of burstable types. */
  readonly baselineCpuMilli?: number;
}

const MiB = 2 ** 20;

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', arm64: 'arm64' };

/** Extended resources by who makes the device; devices of others have no plugin that is known. */
const GPU_RESOURCES: Readonly<Record<string, string>> = {
  NVIDIA: 'nvidia.com/gpu',
  AMD: 'amd.com/gpu',
  Habana: 'habana.ai/gaudi',
};

function devicesOf({ GpuInfo, NeuronInfo }: InstanceTypeInfo): Readonly<Record<string, number>> {
  const devices: Record<string, number> = {};
  const count = (name: string | undefined, more = 0) => {
    if (name !== undefined && more > 0) devices[name] = (devices[name] ?? 0) + more;
  };
  for (const { Manufacturer = '', Count } of GpuInfo?.Gpus ?? []) count(GPU_RESOURCES[Manufacturer], Count);
  for (const { Count } of NeuronInfo?.NeuronDevices ?? []) count('aws.amazon.com/neuron', Count);
  return devices;
}

/** What EC2 tells of a type; undefined for what no cell can be: macOS, paravirtual, burstable without a known baseline. */
export function machineTypeOf(info: InstanceTypeInfo): MachineType | undefined {
  const { InstanceType: name, VCpuInfo, MemoryInfo, ProcessorInfo } = info;
  const vcpus = VCpuInfo?.DefaultVCpus;
  const memoryMiB = MemoryInfo?.SizeInMiB;
  const arch = ProcessorInfo?.SupportedArchitectures?.map((one) => ARCHITECTURES[one]).find(Boolean);
  if (name === undefined || vcpus === undefined || memoryMiB === undefined || arch === undefined) return undefined;
  if (info.SupportedVirtualizationTypes?.includes('hvm') === false) return undefined;
  if (info.SupportedRootDeviceTypes?.includes('ebs') === false) return undefined;
  const baseline = info.BurstablePerformanceSupported === true ? baselineCpuMilli(name, vcpus) : undefined;
  if (info.BurstablePerformanceSupported === true && baseline === undefined) return undefined;
  return {
    name,
    arch,
    vcpus,
    memoryBytes: memoryMiB * MiB,
    gpuMemoryBytes: (info.GpuInfo?.TotalGpuMemoryInMiB ?? 0) * MiB,
    devices: devicesOf(info),
    isMetal: info.BareMetal === true,
    isCurrentGeneration: info.CurrentGeneration === true,
    isOnDemand: info.SupportedUsageClasses?.includes('on-demand') === true,
    isSpot: info.SupportedUsageClasses?.includes('spot') === true,
    ...(baseline === undefined ? {} : { baselineCpuMilli: baseline }),
  };
}
