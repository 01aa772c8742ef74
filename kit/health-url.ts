import { isIP } from 'node:net';

/** The URL of a health check for one instance; null: its host has no IP address. */
export function healthUrl(template: string, { hostname, ip }: { hostname: string; ip: string | null }): string | null {
  if (ip === null && template.includes('{{ip}}')) return null;
  const literal = ip !== null && isIP(ip) === 6 ? `[${ip}]` : (ip ?? '');
  return template.replaceAll('{{ip}}', literal).replaceAll('{{hostname}}', hostname);
}
