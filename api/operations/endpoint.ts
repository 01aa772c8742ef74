// An operation is a value: route, validation, OpenAPI, permission, audit of refusals, idempotency and the response check
// are all derived from it. Values are listed, not chained: chained builders double the time of type checking.
import { z } from 'zod';
import type { ProblemName } from '../../workflows/problems/problem.ts';
import type { Ctx } from './context.ts';
import type { Permission } from './permissions.ts';
import type { StoredResponse, Reply } from './stored-response.ts';
import { id as idSchema } from './schemas.ts';

type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

/** Path parameters are ids unless an endpoint declares otherwise. */
export type PathIds<Path extends string> = z.ZodObject<{ [Name in ParamNames<Path>]: z.ZodType<number> }>;
export type NoQuery = z.ZodObject<Record<string, never>>;

/** The validated input of a handler. */
export interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
}

/** Declared by every kind of operation. */
export interface Declaration<
  Path extends string,
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
  A = unknown,
> {
  method: Method;
  /** The canonical spelling, with `{name}` for parameters. */
  path: Path;
  /** operationId: unique, camelCase. */
  id: string;
  area: string;
  summary: string;
  description?: string;
  permission: 'public' | Permission<A>;
  /** Ids by default. */
  params?: P;
  query?: Q;
  body?: B;
  returns: R;
  /** 200 by default. */
  status?: number;
  /** Problems besides those common to its kind of operation. */
  problems?: readonly ProblemName[];
  /** Also allowed to users who must change their password first. */
  whilePasswordDue?: boolean;
  /** Also allowed to users who must set up a second factor first. */
  whileFactorDue?: boolean;
  /** For responses that are not JSON; the handler returns a `Reply.content`. */
  contentTypes?: readonly string[];
  /** The response contains a secret: it is encrypted when stored for repetitions. */
  secretAnswer?: boolean;
}

/** The return value of a handler: plain data for `returns`, or a Reply. */
export type Answer<R extends z.ZodType> = z.input<R> | Reply<z.input<R>>;

/** The request that the kernel passes to an operation: authorised and validated. */
export interface Call {
  ctx: Ctx;
  input: { params: unknown; query: unknown; body: unknown };
  /** Checks a response against `returns`. */
  finish(answer: unknown): StoredResponse;
  /** Set if the request has an effective Idempotency-Key. */
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
  /** A POST that accepts an Idempotency-Key. */
  readonly idempotent: boolean;
  run(call: Call): Promise<StoredResponse>;
}

type Run = (call: Call) => Promise<StoredResponse>;

/** Builds the value; for the kinds of operations (`endpoint`, `change`, `command`, `list`), not for areas. */
export function operation<
  Path extends string,
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
  A,
>(declaration: Declaration<Path, P, Q, B, R, A>, kind: { idempotent: boolean; run: Run }): Endpoint {
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

/** A read, or a special case without its own transaction and idempotency. */
export function endpoint<
  const Path extends string,
  R extends z.ZodType,
  P extends z.ZodObject = PathIds<Path>,
  Q extends z.ZodObject = NoQuery,
  B extends z.ZodType = z.ZodUndefined,
  A = unknown,
>(
  declaration: Declaration<Path, P, Q, B, R, A> & {
    handle(input: Input<P, Q, B>, ctx: Ctx<A>): Promise<Answer<R>> | Answer<R>;
  },
): Endpoint {
  return operation(declaration, {
    idempotent: false,
    run: async ({ input, ctx, finish }) => finish(await declaration.handle(input as Input<P, Q, B>, ctx as Ctx<A>)),
  });
}
