import { storableText } from '../../db/core/jsonb.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { idInBody, segmentsOf } from './paths.ts';

interface Node {
  literals: Map<string, Node>;
  parameter: Node | undefined;
  methods: Map<string, Target>;
}

interface Target {
  endpoint: Endpoint;
  /** Names of the template's parameters, in order. */
  names: string[];
  /** The parameter taken from the JSON body. */
  fromBody?: string;
}

/** The match of a request: an endpoint with raw path parameters, the allowed methods, or nothing. */
type Match =
  | { endpoint: Endpoint; params: Record<string, string>; fromBody: string | undefined }
  | { allow: string[] }
  | undefined;

/** The route table; a literal segment takes precedence over a parameter, and two endpoints on one route throw. */
export class Routes {
  readonly #root: Node = node();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.#add(endpoint.method, endpoint.path, endpoint);
    for (const { method, path, canonical, param } of idInBody) {
      const endpoint = endpoints.find((e) => e.method === method && e.path === canonical);
      if (endpoint) this.#add(method, path, endpoint, param);
    }
  }

  #add(method: string, path: string, endpoint: Endpoint, fromBody?: string): void {
    let at = this.#root;
    const names: string[] = [];
    for (const segment of segmentsOf(path)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name !== undefined) {
        names.push(name);
        at = at.parameter ??= node();
      } else at = child(at, segment);
    }
    if (at.methods.has(method)) throw new Error(`two endpoints for ${method} ${path}`);
    at.methods.set(method, { endpoint, names, ...(fromBody !== undefined && { fromBody }) });
  }

  /** Finds the endpoint for a method and a raw path. */
  match(method: string, path: string): Match {
    const found = find(this.#root, segmentsOf(path), 0, []);
    if (!found) return undefined;
    const target = found.at.methods.get(method);
    if (!target) return { allow: documented(found.at) };
    const params: Record<string, string> = {};
    for (const [index, name] of target.names.entries()) params[name] = found.values[index] ?? '';
    return { endpoint: target.endpoint, params, fromBody: target.fromBody };
  }
}

/** Methods of the canonical spelling only; ids in bodies exist for clients of the documented API. */
const documented = ({ methods }: Node): string[] =>
  [...methods].flatMap(([method, { fromBody }]) => (fromBody === undefined ? [method] : [])).sort();

const node = (): Node => ({ literals: new Map(), parameter: undefined, methods: new Map() });

function child(at: Node, segment: string): Node {
  const present = at.literals.get(segment) ?? node();
  at.literals.set(segment, present);
  return present;
}

type Found = { at: Node; values: string[] } | undefined;

function find(at: Node, segments: readonly string[], index: number, values: string[]): Found {
  const segment = segments[index];
  if (segment === undefined) return at.methods.size > 0 ? { at, values } : undefined;
  const literal = at.literals.get(segment);
  const found = literal && find(literal, segments, index + 1, values);
  if (found || !at.parameter || segment === '') return found;
  const value = decoded(segment);
  return value === undefined ? undefined : find(at.parameter, segments, index + 1, [...values, value]);
}

function decoded(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment);
    return text === storableText(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
