// The only place where a refusal or failure becomes a response. Anything but a Problem is an internal error: its text stays
// in the log, and the caller gets the request id to find it there.
import { AuditWriteError } from '../../db/audit/record.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { isForeignKeyViolation, isUnavailable, standingOf } from '../../db/core/sql-state.ts';
import { CommitUnknownError } from '../../db/core/transaction.ts';
import { codeOf } from '../../kit/error-code.ts';
import { render, renderReason, type Language } from '../../kit/messages/message.ts';
import { Problem, problems } from '../../workflows/problems/problem.ts';

const textOf = (value: unknown, otherwise: string): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;

/** The body of every error. */
interface ErrorBody {
  error_code: number;
  message: string;
  details?: { field: string; message: string }[];
}

// gRPC's deadline exceeded, resource exhausted, unavailable. An update that ends so is reported as unknown (engine.ts).
const engineAway = new Set<unknown>([4, 8, 14]);

/** The problem that a thrown value maps to; undefined for an internal error. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AuditWriteError) return new Problem('unavailable', { dependency: 'audit log' });
  if (engineAway.has(codeOf(error))) return new Problem('unavailable', { dependency: 'the workflow engine' });
  if (error instanceof CommitUnknownError) return new Problem('outcome_unknown', { dependency: 'the database' });
  if (isUnavailable(error)) return new Problem('unavailable', { dependency: 'the database' });
  if (isUniqueViolation(error)) return new Problem('exists');
  if (standingOf(error) === 'again' || isForeignKeyViolation(error)) return new Problem('conflict');
  return error.cause === undefined ? undefined : problemOf(error.cause);
}

/** Status, headers and body of a refusal or failure. */
export function respond(
  error: unknown,
  requestId: string,
  language: Language,
): { status: number; headers: Record<string, string>; body: ErrorBody } {
  const problem = problemOf(error) ?? new Problem('internal', { request_id: requestId });
  const { code, status } = problems[problem.problem];
  const headers: Record<string, string> = {};
  if (status === 429) headers['retry-after'] = textOf(problem.params['retry_after'], '60');
  if (status === 405) headers['allow'] = textOf(problem.params['allow'], '');
  if (status === 401) headers['www-authenticate'] = 'Token';
  const message = render(problem.said, language);
  const details = problem.details.map(({ field, message: text }) => ({ field, message: renderReason(text, language) }));
  return { status, headers, body: { error_code: code, message, ...(details.length > 0 && { details }) } };
}

/** The language of a request: Chinese if its Accept-Language prefers it to English. */
export function languageOf(acceptLanguage: string | null): Language {
  const weighted = (acceptLanguage ?? '').split(',').map((part, index) => {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
    const quality = Number(parameters.find((one) => one.trim().startsWith('q='))?.split('=')[1] ?? 1);
    return { tag, rank: (Number.isFinite(quality) ? quality : 0) - index / 1000 };
  });
  const best = (prefix: string): number =>
    Math.max(0, ...weighted.filter(({ tag }) => tag === prefix || tag.startsWith(`${prefix}-`)).map((one) => one.rank));
  return best('zh') > best('en') ? 'zh' : 'en';
}
