/**
 * How long things are away. `npm test` takes the short form, in which everything that happens still does (a node is
 * NotReady after 50 s); `npm run test:outages` the long one.
 */
const LONG = process.env.OUTAGES === 'long';

export const PROVIDER_AWAY_MS = LONG ? 600_000 : 80_000;
export const API_SERVER_DOWN_MS = LONG ? 300_000 : 60_000;
export const CUT_OFF_MS = LONG ? 300_000 : 75_000;
export const FAULTY_MS = LONG ? 300_000 : 45_000;
