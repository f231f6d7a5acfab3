/** List prices of us-east-1, Linux, in USD per hour: of the size `large` of families whose prices double with their sizes. */
const LARGE_HOUR_USD: Readonly<Record<string, number>> = {
  c6a: 0.0765,
  c6g: 0.068,
  c6i: 0.085,
  c7a: 0.10264,
  c7g: 0.0725,
  c7i: 0.08925,
  c8g: 0.07976,
  m6a: 0.0864,
  m6g: 0.077,
  m6i: 0.096,
  m7a: 0.11592,
  m7g: 0.0816,
  m7i: 0.1008,
  m8g: 0.08976,
  r6g: 0.1008,
  r6i: 0.126,
  r7g: 0.1071,
  r7i: 0.1323,
  r8g: 0.11783,
  t3: 0.0832,
  t3a: 0.0752,
  t4g: 0.0672,
};

const SIZES: Readonly<Record<string, number>> = {
  nano: 1 / 16,
  micro: 1 / 8,
  small: 1 / 4,
  medium: 1 / 2,
  large: 1,
  xlarge: 2,
  '2xlarge': 4,
  '4xlarge': 8,
  '8xlarge': 16,
  '12xlarge': 24,
  '16xlarge': 32,
  '24xlarge': 48,
  '48xlarge': 96,
};

const ACCELERATED: Readonly<Record<string, number>> = { 'g6.xlarge': 0.8048, 'g6.2xlarge': 0.9776 };

/** The list price of a type; undefined of those that the fixture lacks. */
export function listPriceUsd(instanceType: string): number | undefined {
  const [family = '', size = ''] = instanceType.split('.');
  const large = LARGE_HOUR_USD[family];
  const share = SIZES[size];
  return large !== undefined && share !== undefined ? large * share : ACCELERATED[instanceType];
}

/** One entry of GetProducts' PriceList, in the shape that the real one has. */
function product(instanceType: string, region: string, usd: number): string {
  const sku = Buffer.from(instanceType).toString('hex').toUpperCase().slice(0, 16);
  const offer = `${sku}.JRTCKXETXF`;
  const rate = `${offer}.6YS6EN2CT7`;
  const priceDimensions = {
    [rate]: {
      unit: 'Hrs',
      endRange: 'Inf',
      description: `$${usd} per On Demand Linux ${instanceType} Instance Hour`,
      appliesTo: [],
      rateCode: rate,
      beginRange: '0',
      pricePerUnit: { USD: usd.toFixed(10) },
    },
  };
  const term = {
    priceDimensions,
    sku,
    effectiveDate: '2026-11-01T00:00:00Z',
    offerTermCode: 'JRTCKXETXF',
    termAttributes: {},
  };
  const attributes = {
    instanceType,
    regionCode: region,
    operatingSystem: 'Linux',
    tenancy: 'Shared',
    preInstalledSw: 'NA',
    capacitystatus: 'Used',
    marketoption: 'OnDemand',
    servicecode: 'AmazonEC2',
  };
  return JSON.stringify({
    product: { productFamily: 'Compute Instance', attributes, sku },
    serviceCode: 'AmazonEC2',
    terms: { OnDemand: { [offer]: term } },
    version: '20261101000000',
    publicationDate: '2026-11-01T00:00:00Z',
  });
}

interface GetProducts {
  readonly Filters?: readonly { readonly Field: string; readonly Value: string }[];
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** The answer to GetProducts, in pages; types whose price the fixture has. */
export function priceListPage(body: string): string {
  const { Filters = [], MaxResults = 100, NextToken = '0' } = JSON.parse(body) as GetProducts;
  const region = Filters.find(({ Field }) => Field === 'regionCode')?.Value ?? '';
  const families = Object.keys(LARGE_HOUR_USD).flatMap((family) =>
    Object.keys(SIZES).map((size) => `${family}.${size}`),
  );
  const all = [...families, ...Object.keys(ACCELERATED)];
  const from = Number(NextToken);
  const page = all.slice(from, from + MaxResults).map((name) => product(name, region, listPriceUsd(name) ?? 0));
  const more = from + MaxResults < all.length ? { NextToken: String(from + MaxResults) } : {};
  return JSON.stringify({ FormatVersion: 'aws_v1', PriceList: page, ...more });
}

/** A spot price by zone and type, between a quarter and 60 % of the list price; the same each time. */
export function spotPriceUsd(instanceType: string, zone: string): number {
  const hash = [...`${instanceType}/${zone}`].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000, 7);
  return (listPriceUsd(instanceType) ?? 5) * (0.25 + (0.35 * hash) / 1_000);
}
