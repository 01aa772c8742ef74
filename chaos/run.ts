// node chaos/run.ts [--runs 200] [--seed 1] [--hosts 10] [--salt]: deploys while worker, API, engine and database (with
// --salt also salt-api and a minion) are killed with SIGKILL at seeded moments. Lost, duplicate, repeated and unfinished
// effects are counted against what the hosts themselves recorded.
import { runOnce } from './deploy.ts';
import { localScenario } from './local.ts';
import { killAll } from './program.ts';
import { saltScenario } from './salt.ts';

await killAll('kill.json', { runs: 200, hosts: 10 }, async ({ hosts, salt }) => {
  const scenario = await (salt ? saltScenario(hosts) : localScenario(hosts));
  const name = `${hosts} hosts ${salt ? 'by Salt' : 'of this machine'}`;
  return { ...scenario, name, run: (running, kills) => runOnce(scenario, running, kills) };
});
