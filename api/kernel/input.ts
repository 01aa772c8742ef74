import { z } from 'zod';
import { storableText } from '../../db/core/jsonb.ts';
import { invalidField, Problem, type ProblemDetail } from '../../workflows/problems/problem.ts';
import { canonicalValue } from './aliases.ts';
import { Details } from './problem-details.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { shaped } from './strict-fields.ts';
import { msg, type Language } from '../../kit/messages/message.ts';
import { issueMessage } from '../operations/issue.ts';

const locales = { en: z.locales.en(), zh: z.locales.zhCN() } as const;

interface RawInput {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Undefined without a body. */
  body: unknown;
}

/** Validates an endpoint's input; throws one problem that lists every error. */
export function validate(
  endpoint: Endpoint,
  raw: RawInput,
  language: Language,
): { params: unknown; query: Record<string, unknown>; body: unknown; given: Record<string, string> } {
  const params = endpoint.params.safeParse(raw.params);
  if (!params.success) throw new Problem('not_found');
  const details = new Details();
  const given = queryObject(raw.query, endpoint.query, details);
  const walk = { path: endpoint.path, details };
  const named = shaped(given, endpoint.query, walk) as Record<string, string>;
  const canonical = Object.fromEntries(Object.entries(named).map(([key, value]) => [key, canonicalValue(key, value)]));
  const query = parsed(endpoint.query, canonical, language, details);
  const body = parsedBody(endpoint, raw.body, language, walk);
  if (details.list.length > 0) throw new Problem('invalid', {}, [...details.list]);
  return { params: params.data, query: query as Record<string, unknown>, body, given: canonical };
}

function queryObject(query: URLSearchParams, schema: z.ZodObject, details: Details): Record<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    const key = storableText(name);
    if (key !== name) details.add({ field: key, message: msg('holds_a_nul_character') });
    const before = given.get(key);
    const repeats = isRepeatable(schema, key);
    if (before !== undefined && !repeats) details.add({ field: key, message: msg('is_given_twice') });
    if (value.includes('\0')) details.add({ field: key, message: msg('holds_a_nul_character') });
    given.set(key, before !== undefined && repeats ? `${before},${value}` : value);
  }
  return Object.fromEntries(given);
}

/** Whether a parameter may be repeated, which is equivalent to comma-separated values. */
const isRepeatable = ({ shape }: z.ZodObject, key: string): boolean =>
  Object.hasOwn(shape, key) && (shape[key] as z.ZodType).meta()?.['repeatable'] === true;

// A missing body counts as an empty object, so that actions need none; a list is required.
function parsedBody(
  endpoint: Endpoint,
  raw: unknown,
  language: Language,
  walk: { path: string; details: Details },
): unknown {
  if (endpoint.body) {
    const body = raw === undefined ? {} : raw;
    return parsed(endpoint.body, shaped(body, endpoint.body, walk), language, walk.details);
  }
  if (raw !== undefined) shaped(raw, z.object({}), walk);
  if (raw !== undefined && (typeof raw !== 'object' || raw === null || Array.isArray(raw)))
    throw invalidField('', msg('must_be_empty'));
  return undefined;
}

function parsed(schema: z.ZodType, value: unknown, language: Language, details: Details): unknown {
  const result = schema.safeParse(value, { error: locales[language].localeError });
  if (result.success) return result.data;
  for (const issue of result.error.issues) for (const one of detailsOf(issue)) details.add(one);
  return undefined;
}

function detailsOf(issue: z.core.$ZodIssue): ProblemDetail[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: [...path, key].map(String).join('.'), message: msg('unknown_field') }));
  return [{ field: path.map(String).join('.'), message: issueMessage(issue.message) }];
}
