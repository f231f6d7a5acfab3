import { z } from 'zod';
import { FARGATE_PRICES } from '../core/fargate.ts';
import { quantityField as quantity } from '../core/quantity-field.ts';
import { type Resources, resourcesOf } from '../core/resources.ts';

const price = z.number().min(0).max(1_000);

const fargate = z.strictObject({
  cpuPerHourUsd: price
    .default(FARGATE_PRICES.cpuPerHourUsd)
    .describe('Price of a vCPU on Fargate for an hour, in dollars; us-east-1’s unless given.'),
  memoryGibPerHourUsd: price
    .default(FARGATE_PRICES.memoryGibPerHourUsd)
    .describe('Price of a GiB of memory on Fargate for an hour, in dollars.'),
});

const fixedPool = z.strictObject({
  machine: z
    .strictObject({
      cpu: quantity.prefault('1930m').describe('CPU that a machine of the fixed pool has for pods.'),
      memory: quantity.prefault('7Gi').describe('Memory that it has for pods.'),
    })
    .transform((list): Resources => resourcesOf(list))
    .refine(({ cpuMilli, memoryBytes }) => cpuMilli > 0 && memoryBytes > 0, 'has CPU and memory')
    .prefault({}),
  pricePerHourUsd: price
    .default(0.1008)
    .describe('Price of it for an hour, in dollars; that of an m7i.large on demand in us-east-1 unless given.'),
});

/** What is told to Prometheus, and what cells are compared with there (docs/costs.md). */
export const metrics = z.strictObject({
  perCell: z
    .boolean()
    .default(false)
    .describe('A series for each cell, with its pod and price: what the dashboard’s table of cells is made of.'),
  alternatives: z.strictObject({ fargate: fargate.prefault({}), fixedPool: fixedPool.prefault({}) }).prefault({}),
});
