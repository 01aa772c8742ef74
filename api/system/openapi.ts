// The OpenAPI document, generated from the values that serve the requests; only this file depends on the generator. Parts
// common to a kind of operation (errors, headers, idempotency) are added here, so that areas do not repeat them.
import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { problems, type ProblemName } from '../../workflows/problems/problem.ts';
import { endpoints as allEndpoints } from '../areas.ts';
import { sessionCookie } from '../kernel/authentication.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { putRight } from './openapi-fixes.ts';
import { idempotencyKeyText } from '../operations/schemas.ts';
import { problemText } from '../../kit/messages/message.ts';

const errorBody = z
  .object({
    error_code: z.int(),
    message: z.string(),
    details: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Error' });

/** Every problem that an operation can return. */
function problemsOf(endpoint: Endpoint): ProblemName[] {
  const names: ProblemName[] = [...endpoint.problems, 'invalid', 'internal', 'unavailable'];
  if (endpoint.permission !== 'public') {
    names.push('unauthenticated', 'csrf_token', 'not_allowed');
    if (!endpoint.whilePasswordDue) names.push('password_change_due');
    if (!endpoint.whileFactorDue) names.push('second_factor_due');
  }
  if (endpoint.path.includes('{')) names.push('not_found');
  if (endpoint.method !== 'GET') names.push('too_large', 'not_json', 'outcome_unknown');
  if (endpoint.idempotent) names.push('idempotency_mismatch', 'idempotency_pending');
  return [...new Set(names)];
}

function errorResponses(endpoint: Endpoint): RouteConfig['responses'] {
  const byStatus = Map.groupBy(problemsOf(endpoint), (name) => problems[name].status);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, names]) => [
        status,
        {
          description: names
            .map((name) => `${problems[name].code} ${problemText(name, {}, 'en')} | ${problemText(name, {}, 'zh')}`)
            .join('\n\n'),
          ...(status === 429 && { headers: z.object({ 'Retry-After': z.string() }) }),
          content: {
            'application/json': {
              schema: errorBody,
              examples: Object.fromEntries(
                names.map((name) => [
                  name,
                  { value: { error_code: problems[name].code, message: problemText(name, {}, 'en') } },
                ]),
              ),
            },
          },
        },
      ]),
  );
}

const idempotencyKey = z.object({
  'Idempotency-Key': idempotencyKeyText
    .optional()
    .describe('A repetition with the same key within 24 hours gets the first answer and does nothing twice.'),
});

function routeOf(endpoint: Endpoint): RouteConfig {
  const { permission, path } = endpoint;
  return {
    method: endpoint.method.toLowerCase() as RouteConfig['method'],
    path,
    operationId: endpoint.id,
    tags: [endpoint.area],
    summary: endpoint.summary,
    ...(endpoint.description !== undefined && { description: endpoint.description }),
    security: permission === 'public' ? [] : [{ token: [] }, { session: [] }],
    'x-permission':
      permission === 'public' ? ['public'] : permission.names.length > 0 ? permission.names : ['signed in'],
    request: {
      params: endpoint.params,
      query: endpoint.query,
      ...(endpoint.idempotent && { headers: idempotencyKey }),
      ...(endpoint.body && {
        body: {
          required: !endpoint.body.safeParse({}).success,
          content: { 'application/json': { schema: endpoint.body } },
        },
      }),
    },
    responses: {
      [endpoint.status]: {
        description: endpoint.summary,
        headers: z.object({ 'X-Request-Id': z.string() }),
        content: Object.fromEntries(endpoint.contentTypes.map((type) => [type, { schema: endpoint.returns }])),
      },
      ...errorResponses(endpoint),
    },
  };
}

/** The document (OpenAPI 3.1) of these operations. */
export function openapi(endpoints: readonly Endpoint[]): object {
  const { openAPIRegistry: registry, getOpenAPI31Document } = new OpenAPIHono();
  registry.registerComponent('securitySchemes', 'token', {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`Token <value>` (or `Bearer <value>`) with an auth token.',
  });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookie,
    description: 'The cookie of a login; requests that change something also need its X-CSRF-Token.',
  });
  for (const endpoint of endpoints) registry.registerPath(routeOf(endpoint));
  const document = getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      version: '1.0.0',
      description: 'Every error is `{"error_code", "message", "details"?}`; `Accept-Language: zh` gives Chinese.',
    },
    servers: [{ url: '/' }],
    tags: [...new Set(endpoints.map((endpoint) => endpoint.area))].sort().map((name) => ({ name })),
  });
  putRight(document);
  return document;
}

if (import.meta.main) console.log(JSON.stringify(openapi(allEndpoints), null, 2));
