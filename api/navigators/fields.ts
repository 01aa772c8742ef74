import { z } from 'zod';
import { Problem } from '../../workflows/problems/problem.ts';
import { issue } from '../operations/issue.ts';

/** Whether a text is an absolute http or https address without user info. */
function isAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { hostname, username, password } = new URL(text);
  return hostname !== '' && username === '' && password === '';
}

// URL parsers skip or rewrite tabs, line ends and backslashes, so the browser could see another address than this check.
const plain = (text: string): boolean => !/[\\\s\p{Cc}]/u.test(text);

const isHttp = (text: string): boolean => plain(text) && isAddress(text);

/** Throws `only_http` unless a link may be opened. */
export function demandHttp(address: string | undefined): void {
  if (address !== undefined && !isHttp(address))
    throw new Problem('only_http', {}, [{ field: 'url', message: new Problem('only_http').said }]);
}

/** A path from the root: one leading slash (two would name another host) and no parent segments, however encoded. */
function isRootPath(text: string): boolean {
  if (!/^\/(?!\/)/.test(text) || !plain(text)) return false;
  try {
    const decoded = decodeURIComponent(text);
    return plain(decoded.replaceAll(' ', '')) && !decoded.split(/[/?#]/).includes('..');
  } catch {
    return false;
  }
}

export const name = z.string().trim().min(1).max(64);
export const img = z
  .string()
  .max(512)
  .refine((text) => isRootPath(text) || isHttp(text), issue('must_be_a_path_or_http'));
export const url = z.string().min(1).max(2048);
export const position = z.int().min(0).max(10_000);
