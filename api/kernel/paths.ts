// The documented API mixes singular and plural, optional trailing slashes, and ids in the path or the body. Such variants
// are normalised before routing, so that all other code sees one spelling: that of the endpoints' own paths.

const prefixes: readonly (readonly [RegExp, string])[] = [
  [/^application(?=\/|$)/, 'applications'],
  [/^applications\/([^/]+)\/instance(?=\/)/, 'applications/$1/instances'],
  [/^host(?=\/|$)/, 'hosts'],
  [/^common-utils\/jump-server-log(?=\/|$)/, 'common-utils/jump-server-logs'],
];

/** Segments of a path (or of an endpoint's template) in the canonical spelling used for routing. */
export function segmentsOf(path: string): string[] {
  let rest = path.replace(/^\//, '').replace(/\/$/, '');
  for (const [variant, canonical] of prefixes) rest = rest.replace(variant, canonical);
  return rest.split('/');
}

/** Operations documented without an id in the path: it is in the JSON body, as `id`. */
export const idInBody: readonly { method: string; path: string; canonical: string; param: string }[] = [
  { method: 'PATCH', path: '/auth-tokens/', canonical: '/auth-tokens/{id}/', param: 'id' },
  { method: 'PATCH', path: '/external-navigators/', canonical: '/external-navigators/{id}/', param: 'id' },
  {
    method: 'PATCH',
    path: '/application/repository-credentials/password/',
    canonical: '/application/repository-credentials/password/{id}/',
    param: 'id',
  },
  ...['PATCH', 'DELETE'].map((method) => ({
    method,
    path: '/dns-services/{id}/domains/{domain_id}/records/',
    canonical: '/dns-services/{id}/domains/{domain_id}/records/{record_id}/',
    param: 'record_id',
  })),
  {
    method: 'DELETE',
    path: '/dns-services/{id}/domains/',
    canonical: '/dns-services/{id}/domains/{domain_id}/',
    param: 'domain_id',
  },
];

/** An endpoint's template with its parameters filled in. */
export const fillPath = (template: string, params: Readonly<Record<string, string>>): string =>
  template.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
