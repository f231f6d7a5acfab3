/**
 * The share of each vCPU that burstable machines give without end, in percent, by family and size.
 * Source: "Key concepts for burstable performance instances" of the EC2 User Guide, table of baselines.
 */
const UNLIMITED_FAMILIES = { nano: 5, micro: 10, small: 20, medium: 20, large: 30, xlarge: 40, '2xlarge': 40 };
const BASELINE_PERCENT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  t2: { nano: 5, micro: 10, small: 20, medium: 20, large: 30, xlarge: 22.5, '2xlarge': 16.875 },
  t3: UNLIMITED_FAMILIES,
  t3a: UNLIMITED_FAMILIES,
  t4g: UNLIMITED_FAMILIES,
};

/** CPU that a burstable type gives without end; undefined where it is not known, so that nobody counts on it. */
export function baselineCpuMilli(instanceType: string, vcpus: number): number | undefined {
  const [family = '', size = ''] = instanceType.split('.');
  const percent = BASELINE_PERCENT[family]?.[size];
  return percent === undefined ? undefined : Math.floor(vcpus * percent * 10);
}
