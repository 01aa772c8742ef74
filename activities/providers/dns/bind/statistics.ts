// BIND's statistics channel: its version and the list of zones, nothing else.
import { z } from 'zod';
import type { ZoneKind } from '../driver.ts';
import { DnsAnswerError, DnsServerFailedError } from '../errors.ts';
import type { Http } from '../http.ts';

const shape = z.object({
  version: z.string().max(200),
  views: z.record(
    z.string(),
    z.object({
      zones: z
        .array(z.object({ name: z.string(), class: z.string(), serial: z.number(), type: z.string() }))
        .default([]),
    }),
  ),
});

interface ListedZone {
  name: string;
  kind: ZoneKind;
  serial: number | null;
}

export interface Statistics {
  version: string;
  zones: ListedZone[];
}

const kinds: Partial<Record<string, ZoneKind>> = {
  primary: 'primary',
  master: 'primary',
  secondary: 'secondary',
  slave: 'secondary',
  mirror: 'secondary',
};

/** Reads the channel; of one view, or of all but BIND's own. */
export async function readStatistics(
  server: string,
  http: Http,
  endpoint: string,
  view: string | null,
): Promise<Statistics> {
  const { status, body } = await http({ method: 'GET', url: new URL('/json/v1/zones', endpoint), isZone: true });
  if (status !== 200) throw new DnsServerFailedError(server, `its statistics channel answers HTTP ${status}`);
  const found = shape.safeParse(jsonOf(body));
  if (!found.success)
    throw new DnsAnswerError(server, 'its answer is not that of a statistics channel; check its address');
  const { version, views } = found.data;
  const names = Object.keys(views).filter((name) => (view === null ? name !== '_bind' : name === view));
  const zones = names.flatMap((name) => views[name]?.zones ?? []);
  return {
    version,
    zones: zones.flatMap(({ name, class: kind, serial, type }) => {
      const known = kind === 'IN' ? kinds[type] : undefined;
      return known ? [{ name: name.toLowerCase(), kind: known, serial: serial === 0 ? null : serial }] : [];
    }),
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
