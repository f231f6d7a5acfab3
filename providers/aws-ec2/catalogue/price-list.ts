import { z } from 'zod';
import { shapedJson } from '../../../src/core/json-text.ts';

/** Where the price list is served; each serves the prices of all regions. */
const PRICING_REGIONS = ['us-east-1', 'eu-central-1', 'ap-south-1'] as const;

/** The region whose price list service is nearest. */
export function pricingRegionOf(region: string): string {
  const [continent] = region.split('-');
  return PRICING_REGIONS.find((one) => one.startsWith(`${continent}-`)) ?? PRICING_REGIONS[0];
}

/** One entry of GetProducts' PriceList: JSON in a string, of which this is looked into. */
const product = z.object({
  product: z.object({ attributes: z.object({ instanceType: z.string() }) }),
  terms: z.object({
    OnDemand: z.record(
      z.string(),
      z.object({
        priceDimensions: z.record(
          z.string(),
          z.object({ unit: z.string(), pricePerUnit: z.record(z.string(), z.string()) }),
        ),
      }),
    ),
  }),
});

/** The on-demand price of one product; undefined for what is no hourly price in USD, as of types that are free of charge or withdrawn. */
export function priceOf(entry: unknown): { readonly instanceType: string; readonly hourUsd: number } | undefined {
  // The SDK gives objects that are strings only when they are asked to be.
  const listed = shapedJson(product, String(entry));
  if (listed === undefined) return undefined;
  const { instanceType } = listed.product.attributes;
  for (const { priceDimensions } of Object.values(listed.terms.OnDemand)) {
    for (const { unit, pricePerUnit } of Object.values(priceDimensions)) {
      const hourUsd = Number(pricePerUnit.USD);
      if (unit === 'Hrs' && hourUsd > 0) return { instanceType, hourUsd };
    }
  }
  return undefined;
}

/** What is asked of GetProducts: Linux machines in a region, shared, without licences, as they are used. */
export function productFilters(region: string): readonly { readonly Field: string; readonly Value: string }[] {
  const wanted = {
    regionCode: region,
    operatingSystem: 'Linux',
    tenancy: 'Shared',
    preInstalledSw: 'NA',
    capacitystatus: 'Used',
    marketoption: 'OnDemand',
  };
  return Object.entries(wanted).map(([Field, Value]) => ({ Field, Value }));
}
