/** What can be refused: documented code, HTTP status, message in both languages with `{parameters}`. */
export interface ProblemDefinition {
  code: number;
  status: number;
  en: string;
  zh: string;
}

export const define = (code: number, status: number, en: string, zh: string): ProblemDefinition => ({
  code,
  status,
  en,
  zh,
});
export const conflict = (en: string, zh: string): ProblemDefinition => define(10005, 409, en, zh);
export const invalid = (en: string, zh: string): ProblemDefinition => define(10001, 400, en, zh);
