// Images of the navigators, from a directory of the operator. They are served from our own origin, so they must not run
// code: types by extension from a closed list, no sniffing, and a policy that sandboxes an SVG opened directly.
import { open, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { Context, Hono } from 'hono';

const types: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
  '.bmp': 'image/bmp',
};

const headers = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'public, max-age=3600',
} as const;

/** Serves a directory's images at `/imgs/`; any other path there is a 404. */
export function mountImages(app: Hono, { imagesDir }: { imagesDir?: string | undefined }): void {
  if (imagesDir === undefined) return;
  app.get('/imgs/*', async (c, next) => (await imageResponse(c, imagesDir)) ?? next());
}

async function imageResponse(c: Context, folder: string): Promise<Response | undefined> {
  const path = await pathWithin(folder, new URL(c.req.url).pathname.slice('/imgs/'.length));
  const type = path === undefined ? undefined : types[extname(path).toLowerCase()];
  if (path === undefined || type === undefined) return undefined;
  const file = await open(path).catch(() => undefined);
  if (!file) return undefined;
  const stat = await file.stat();
  if (!stat.isFile() || c.req.method === 'HEAD') await file.close();
  if (!stat.isFile()) return undefined;
  const content =
    c.req.method === 'HEAD' ? null : (Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>);
  return new Response(content, {
    headers: { ...headers, 'content-type': type, 'content-length': String(stat.size) },
  });
}

/** The real path of a file below a folder; undefined for links that lead out of it. */
async function pathWithin(folder: string, encoded: string): Promise<string | undefined> {
  try {
    const name = decodeURIComponent(encoded);
    if (name.includes('\0') || name.includes('\\') || name.split('/').some((part) => part.startsWith('.')))
      return undefined;
    const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    return path.startsWith(root + sep) ? path : undefined;
  } catch {
    return undefined;
  }
}
