/** The `code` of an error as its library gives it: a text or a number; undefined where there is none. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
