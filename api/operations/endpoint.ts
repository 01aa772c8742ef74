// An operation is a value: route, validation, OpenAPI, permission, audit of refusals, idempotency and the check of the
// answer all follow from it. Values are listed, never chained: chained builders make type checking twice as slow.
import { z } from 'zod';
import type { ProblemName } from '../../workflows/problems/problem.ts';
import type { Ctx } from './context.ts';
import type { Permission } from './permissions.ts';
import type { StoredResponse, Reply } from './stored-response.ts';
import { id as idSchema } from './schemas.ts';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

/** Path parameters are ids unless an endpoint says otherwise. */
export type PathIds<Path extends string> = z.ZodObject<{ [Name in ParamNames<Path>]: z.ZodType<number> }>;
export type NoQuery = z.ZodObject<Record<string, never>>;

/** What a handler is given. */
export interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
}

/** What every kind of operation declares. */
export interface Declaration<
  Path extends string,
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
> {
  method: Method;
  /** The canonical spelling, with `{name}` for parameters. */
  path: Path;
  /** operationId: unique, camelCase. */
  id: string;
  area: string;
  summary: string;
  description?: string;
  permission: 'public' | Permission;
  /** Ids by default. */
  params?: P;
  query?: Q;
  body?: B;
  returns: R;
  /** 200 by default. */
  status?: number;
  /** Refusals besides those that every operation of its kind shares. */
  problems?: readonly ProblemName[];
  /** Also allowed to somebody who has to change his password first. */
  whilePasswordDue?: boolean;
  /** Also allowed to somebody who has to set up a second factor first. */
  whileFactorDue?: boolean;
  /** Of answers that are not JSON; the handler gives a `Reply.content`. */
  contentTypes?: readonly string[];
  /** The answer holds a secret: it is encrypted where it is kept for a repetition. */
  secretAnswer?: boolean;
}

/** What a handler may give: plain data for `returns`, or a Reply. */
export type Answer<R extends z.ZodType> = z.input<R> | Reply<z.input<R>>;

/** The request as the kernel hands it to an operation: permitted and validated. */
export interface Call {
  ctx: Ctx;
  input: { params: unknown; query: unknown; body: unknown };
  /** Checks an answer against `returns`. */
  finish(answer: unknown): StoredResponse;
  /** Set when the request has an Idempotency-Key that counts. */
  key: { userId: number; key: string; requestHash: string } | undefined;
}

/** An operation as the kernel, the router and OpenAPI see it. */
export interface Endpoint {
  readonly method: Uppercase<Method>;
  readonly path: string;
  readonly id: string;
  readonly area: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly permission: 'public' | Permission;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType | undefined;
  readonly returns: z.ZodType;
  readonly status: number;
  readonly problems: readonly ProblemName[];
  readonly whilePasswordDue: boolean;
  readonly whileFactorDue: boolean;
  readonly contentTypes: readonly string[];
  readonly secretAnswer: boolean;
  /** A POST that takes an Idempotency-Key. */
  readonly idempotent: boolean;
  run(call: Call): Promise<StoredResponse>;
}

type Run = (call: Call) => Promise<StoredResponse>;

/** Makes the value; for the kinds of operations (`endpoint`, `change`, `command`, `list`), not for areas. */
export function operation<
  Path extends string,
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
>(declaration: Declaration<Path, P, Q, B, R>, kind: { idempotent: boolean; run: Run }): Endpoint {
  const { path, method, id, area, summary, permission, returns } = declaration;
  return {
    method: method.toUpperCase() as Uppercase<Method>,
    path,
    id,
    area,
    summary,
    permission,
    returns,
    description: declaration.description,
    params: declaration.params ?? pathIds(path),
    query: declaration.query ?? z.object({}),
    body: declaration.body,
    status: declaration.status ?? 200,
    problems: declaration.problems ?? [],
    whilePasswordDue: declaration.whilePasswordDue ?? false,
    whileFactorDue: declaration.whileFactorDue ?? false,
    contentTypes: declaration.contentTypes ?? ['application/json'],
    secretAnswer: declaration.secretAnswer ?? false,
    idempotent: kind.idempotent && method === 'post' && permission !== 'public',
    run: kind.run,
  };
}

function pathIds(path: string): z.ZodObject {
  return z.object(Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, idSchema])));
}

/** A read, or a special case without a transaction and idempotency of its own. */
export function endpoint<
  const Path extends string,
  R extends z.ZodType,
  P extends z.ZodObject = PathIds<Path>,
  Q extends z.ZodObject = NoQuery,
  B extends z.ZodType = z.ZodUndefined,
>(
  declaration: Declaration<Path, P, Q, B, R> & {
    handle(input: Input<P, Q, B>, ctx: Ctx): Promise<Answer<R>> | Answer<R>;
  },
): Endpoint {
  return operation(declaration, {
    idempotent: false,
    run: async ({ input, ctx, finish }) => finish(await declaration.handle(input as Input<P, Q, B>, ctx)),
  });
}
