import { kinds } from '../requests/kinds.ts';
import type { RequestSample } from '../requests/kinds.ts';
import { eventually } from '../support/harness.ts';
import type { Stage, Trials } from './stage.ts';

/** All trials are prepared at once. */
const patience = { timeout: 30_000 };

/** A request that its creator has just made, with its plan. */
async function asked({ world }: Stage, { path, wish }: RequestSample) {
  const creator = await world.user({ system: ['enable_resource_req', 'create_resource_req'] });
  const { id } = (await creator.post<{ id: number }>(path, wish())).body;
  const planHash = await eventually(async () => {
    const { plan_hash: hash } = (await creator.get<{ plan_hash: string | null }>(`${path}${id}/`)).body;
    return hash ?? false;
  }, patience);
  return { creator, id, planHash };
}

const ofKind = (kind: RequestSample): Trials => {
  const { name } = kind;
  const params = async (stage: Stage) => ({ params: { id: (await asked(stage, kind)).id } });
  return {
    [`create${name}`]: () => ({ body: kind.wish() }),
    async [`change${name}`](stage) {
      const { creator, id } = await asked(stage, kind);
      return { as: creator, params: { id }, body: kind.changed() };
    },
    [`approve${name}`]: params,
    [`reject${name}`]: params,
    [`close${name}`]: params,
    async [`retry${name}`](stage) {
      const { creator, id, planHash } = await asked(stage, kind);
      await stage.admin.post(`${kind.path}${id}/actions/approve/`, { plan_hash: planHash });
      await eventually(
        async () => (await creator.get<{ error: string | null }>(`${kind.path}${id}/`)).body.error !== null,
        patience,
      );
      return { params: { id } };
    },
  };
};

/** Requests for hosts, domains and certificates. */
export const requests: Trials = Object.assign({}, ...kinds.map(ofKind)) as Trials;
