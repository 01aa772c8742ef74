/** The `code` of an error, a text or a number; undefined when absent. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
