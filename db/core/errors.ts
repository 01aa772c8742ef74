import { codeOf } from '../../kit/error-code.ts';

/** Whether PostgreSQL refused a duplicate, of this constraint or index if one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (codeOf(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint;
}
