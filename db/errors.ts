const code = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether PostgreSQL refused a duplicate, of this constraint or index if one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (code(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint;
}
