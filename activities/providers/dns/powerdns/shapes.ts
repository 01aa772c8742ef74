// What the PowerDNS API (v1) returns, as far as Slipway reads it.
import { z } from 'zod';

export const serverShape = z.object({ version: z.string().max(100), daemon_type: z.string() });

export const zoneShape = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  dnssec: z.boolean().default(false),
  serial: z.number(),
  /** As served; differs with SOA-EDIT. Absent without `dnssec`. */
  edited_serial: z.number().optional(),
  soa_edit_api: z.string().default(''),
});
export type ApiZone = z.output<typeof zoneShape>;

export const zonesShape = z.array(zoneShape);

const rrsetShape = z.object({
  name: z.string(),
  type: z.string(),
  ttl: z.number(),
  records: z.array(z.object({ content: z.string(), disabled: z.boolean().default(false) })),
});
export type ApiRrset = z.output<typeof rrsetShape>;

export const contentsShape = zoneShape.extend({ rrsets: z.array(rrsetShape) });

export const metadataShape = z.object({ metadata: z.array(z.string()) });

export const foundShape = z.array(
  z.union([
    z.object({
      object_type: z.literal('record'),
      name: z.string(),
      type: z.string(),
      content: z.string(),
      ttl: z.number(),
      disabled: z.boolean(),
      zone_id: z.string(),
    }),
    z.object({ object_type: z.enum(['zone', 'comment']) }),
  ]),
);

export const settingShape = z.array(z.object({ name: z.string(), value: z.string() }));

export const errorShape = z.object({ error: z.string() });

/** The changes that a request carries out. */
export interface RrsetPatch {
  name: string;
  type: string;
  changetype: 'REPLACE' | 'DELETE';
  ttl?: number;
  records?: { content: string; disabled: boolean }[];
}
