// Definitions of problems: the documented code, the HTTP status, the message in both languages.

interface Definition<En extends string = string> {
  code: number;
  status: number;
  en: En;
  zh: string;
}

export const define = <En extends string>(code: number, status: number, en: En, zh: string): Definition<En> => ({
  code,
  status,
  en,
  zh,
});

export const conflict = <En extends string>(en: En, zh: string): Definition<En> => define(10005, 409, en, zh);
export const invalid = <En extends string>(en: En, zh: string): Definition<En> => define(10001, 400, en, zh);
