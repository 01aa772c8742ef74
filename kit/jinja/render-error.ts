/** A mistake of a template; nothing of the values is in it. */
export class RenderError extends Error {
  /** From 1; null until the one who catches it knows. */
  readonly line: number | null;
  /** The unknown name as written, if that is what is wrong. */
  readonly written: string | null;

  constructor(message: string, line: number | null = null, written: string | null = null) {
    super(message);
    this.name = 'RenderError';
    this.line = line;
    this.written = written;
  }
}

/** `place` in the words of all syntax errors. */
export const syntaxError = (what: string, line: number): RenderError => new RenderError(`syntax error: ${what}`, line);
