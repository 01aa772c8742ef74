// Definitions of problems: the documented code, the HTTP status, the names of the parameters. The wording in both languages
// is in kit/messages (docs/decisions/0017).
import type { ParamName } from './message.ts';

interface Definition<P extends ParamName = ParamName> {
  code: number;
  status: number;
  params: readonly P[];
}

export const define = <P extends ParamName = never>(code: number, status: number, ...params: P[]): Definition<P> => ({
  code,
  status,
  params,
});

export const conflict = <P extends ParamName = never>(...params: P[]): Definition<P> => define(10005, 409, ...params);
export const invalid = <P extends ParamName = never>(...params: P[]): Definition<P> => define(10001, 400, ...params);
