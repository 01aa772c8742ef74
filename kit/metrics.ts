import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from './config/config.ts';

/** A registry with the metrics of the process itself. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

interface Scraper {
  remoteAddr: string | null;
  authorization: string | undefined;
}

/** Whether a client may read the metrics: with the token or, if none is set, from this machine. */
export const mayScrape = (
  { metricsToken }: Pick<Config, 'metricsToken'>,
  { remoteAddr, authorization }: Scraper,
): boolean => (metricsToken === undefined ? isLoopback(remoteAddr) : authorization === `Bearer ${metricsToken}`);

export const scrapeRefusal = 'not allowed: set SLIPWAY_METRICS_TOKEN and send it as a bearer token';

const isLoopback = (address: string | null): boolean =>
  address !== null && (address === '::1' || /^(?:::ffff:)?127\./.test(address));
