import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../../api/operations/endpoint.ts';
import { segmentsOf } from '../../api/kernel/paths.ts';

/** An operation that is specified; `origin` is the line of the documented API, or `added`. */
interface Specified {
  readonly area: string;
  readonly operation: string;
  readonly origin: string;
}

/** A method and a path without the names of parameters, in the one spelling that is used for routing. */
export const operationOf = (method: string, path: string): string =>
  `${method} /${segmentsOf(path)
    .map((segment) => segment.replace(/\{\w+\}/g, '{}'))
    .join('/')}/`;

/** Every operation that Slipway is to serve: endpoints.tsv, one a line. */
export function specified(): Specified[] {
  const text = readFileSync(join(import.meta.dirname, 'endpoints.tsv'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [area = '', method = '', path = '', origin = ''] = line.split('\t');
      return { area, operation: operationOf(method, path), origin };
    });
}

/** The address of an endpoint, with the same value for every parameter. */
export const addressOf = ({ path }: Endpoint, value = '1'): string => path.replace(/\{\w+\}/g, value);
