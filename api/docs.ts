import type { Hono } from 'hono';
import type { Endpoint } from './endpoint.ts';

export function mountDocs(_app: Hono, _endpoints: readonly Endpoint[]): void {}
