// The API reference, served without external resources: a page with a remote script stays blank in a closed network, and
// the content security policy can then forbid all other origins.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { Endpoint } from '../operations/endpoint.ts';
import { openapi } from './openapi.ts';

const folder = join(import.meta.dirname, '..', '..', 'node_modules', 'swagger-ui-dist');
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Slipway API</title>
    <link rel="icon" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="reference"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  validatorUrl: null,
});
`;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = (contentType: string, cacheSeconds: number): Record<string, string> => ({
  'content-type': contentType,
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': cacheSeconds > 0 ? `public, max-age=${cacheSeconds}` : 'no-cache',
});

/** Mounts `/openapi.json` and `/docs`. */
export function mountDocs(app: Hono, endpoints: readonly Endpoint[]): void {
  let document: string | undefined;
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(openapi(endpoints));
    return c.body(document, 200, headers('application/json; charset=utf-8', 0));
  });
  for (const path of ['/docs', '/docs/'])
    app.get(path, (c) => c.body(page, 200, headers('text/html; charset=utf-8', 0)));
  app.get('/docs/start.js', (c) => c.body(start, 200, headers('text/javascript; charset=utf-8', 3600)));
  for (const [name, contentType] of Object.entries(assets))
    app.get(`/docs/${name}`, async (c) => c.body(await readFile(join(folder, name)), 200, headers(contentType, 3600)));
}
