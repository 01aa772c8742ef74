import { readFileSync } from 'node:fs';
import type { Config } from './config.ts';

type EngineConfig = Pick<Config, 'temporalApiKey' | 'temporalTlsCa' | 'temporalTlsCert' | 'temporalTlsKey'>;

interface Tls {
  serverRootCACertificate?: Buffer;
  clientCertPair?: { crt: Buffer; key: Buffer };
}

/** The connection to the workflow engine, for client and worker. */
interface EngineAddress {
  address: string;
  tls?: Tls | boolean;
  apiKey?: string;
}

/** An API key or any TLS file turns TLS on. */
export function engineAddress(config: EngineConfig, address: string): EngineAddress {
  const { temporalApiKey: apiKey, temporalTlsCa: ca, temporalTlsCert: cert, temporalTlsKey: key } = config;
  const tls: Tls = {
    ...(ca !== undefined && { serverRootCACertificate: readFileSync(ca) }),
    ...(cert !== undefined &&
      key !== undefined && { clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) } }),
  };
  if (Object.keys(tls).length > 0) return { address, tls, ...(apiKey !== undefined && { apiKey }) };
  return apiKey === undefined ? { address } : { address, tls: true, apiKey };
}
