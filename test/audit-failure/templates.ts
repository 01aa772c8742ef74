import { unique } from '../support/harness.ts';
import { on, type Trial, type Trials } from './stage.ts';

const link =
  (linked: boolean): Trial =>
  async ({ team, world: { db } }) => {
    const { application: id, template } = await team();
    if (linked)
      await db.updateTable('deploySettings').set({ templateId: template }).where('applicationId', '=', id).execute();
    return { params: { id }, body: { id: template } };
  };

/** Deploy templates. */
export const templates: Trials = {
  createDeployTemplate: () => ({ body: { name: `t-${unique()}`, repository: null, deploy_path: '/srv/t' } }),
  changeDeployTemplate: on('template', { timeout: 77 }),
  deleteDeployTemplate: on('template'),
  linkDeployTemplate: link(false),
  unlinkDeployTemplate: link(true),
};
