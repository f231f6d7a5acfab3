import { defineConfig } from 'vitest/config';

const SECOND = 1_000;
/** Conditions come in their time, on a machine that may have much else to do. */
const PATIENT = { expect: { poll: { timeout: 20 * SECOND } }, setupFiles: ['test/support/patient-wait-for.ts'] };

export default defineConfig({
  test: {
    projects: [
      // Property tests take a second of their own; five times that beside other work.
      { test: { ...PATIENT, name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30 * SECOND } },
      {
        test: {
          ...PATIENT,
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: ['test/contract/local-machine.ts', 'test/contract/aws-bed.ts'],
          testTimeout: 60 * SECOND,
          hookTimeout: 300 * SECOND,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/global-setup.ts'],
          testTimeout: 120 * SECOND,
          hookTimeout: 900 * SECOND,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'ec2',
          include: ['test/ec2/**/*.test.ts'],
          testTimeout: 240 * SECOND,
          hookTimeout: 900 * SECOND,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'outages',
          include: ['test/outages/**/*.test.ts'],
          globalSetup: ['test/outages/setup.ts'],
          testTimeout: 1_800 * SECOND,
          hookTimeout: 900 * SECOND,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'skew',
          include: ['test/skew/**/*.test.ts'],
          testTimeout: 300 * SECOND,
          hookTimeout: 900 * SECOND,
        },
      },
    ],
    coverage: { include: ['src/**', 'providers/**', 'webhooks/**'] },
  },
});
