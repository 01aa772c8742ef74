// Times to live in zone files: seconds, or numbers with the units of BIND (`1h30m`).
import { refuse } from './refusals.ts';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const most = 2 ** 31 - 1;

/** Whether a word can only be a time to live. */
export const isTtl = (word: string): boolean => /^[0-9]{1,10}$|^(?:[0-9]{1,10}[smhdw]){1,5}$/i.test(word);

/** Seconds of a time to live. */
export function ttlOf(word: string): number {
  if (!isTtl(word)) return refuse('zone_ttl', { word });
  if (!/[a-z]/i.test(word)) return Number(word) > most ? refuse('zone_ttl', { word }) : Number(word);
  const parts = [...word.toLowerCase().matchAll(/([0-9]+)([smhdw]?)/g)];
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 1), 0);
  return seconds > most ? refuse('zone_ttl', { word }) : seconds;
}
