import { z } from 'zod';
import type { ProblemName } from '../../workflows/problems/problem.ts';
import { change } from './change.ts';
import type { ChangeCtx } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import { idEntries } from './list-bodies.ts';
import type { Permission } from './permissions.ts';
import { done, id, success } from './schemas.ts';

/** One direction. `run` gets the id in the path and those in the body. */
interface MemberChange {
  id: string;
  summary: string;
  problems: readonly ProblemName[];
  run(ctx: ChangeCtx, ownerId: number, memberIds: readonly number[]): Promise<void>;
}

interface Members {
  path: `/${string}/{id}/${string}/`;
  area: string;
  permission: Permission;
  /** Maximum members per request, 100 by default. */
  most?: number;
  add: MemberChange;
  remove: MemberChange;
}

/** `POST` adds members, `DELETE` removes them; both take `[{"id"}]`. */
export function memberChanges({ path, area, permission, most, add, remove }: Members): Endpoint[] {
  const direction = (method: 'post' | 'delete', { run, ...declared }: MemberChange): Endpoint =>
    change({
      ...declared,
      method,
      path,
      area,
      permission,
      params: z.object({ id }),
      body: idEntries(most),
      returns: success,
      async handle({ params, body }, ctx) {
        await run(
          ctx,
          params.id,
          body.map((one) => one.id),
        );
        return done;
      },
    });
  return [direction('post', add), direction('delete', remove)];
}
