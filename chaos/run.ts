// node chaos/run.ts [--runs 200] [--seed 1] [--hosts 10] [--salt]: deploys while worker, API, engine and database (with
// --salt also salt-api and a minion) are killed without a warning at moments of a seed. Whatever is lost, doubled, repeated or
// left unfinished is counted against what the hosts themselves have written.
import { runOnce } from './deploy.ts';
import { localScenario } from './local.ts';
import { killAll } from './program.ts';
import { saltScenario } from './salt.ts';

await killAll('kill.json', { runs: 200, hosts: 10 }, async ({ hosts, salt }) => {
  const scenario = await (salt ? saltScenario(hosts) : localScenario(hosts));
  const name = `${hosts} hosts ${salt ? 'by Salt' : 'of this machine'}`;
  return { ...scenario, name, run: (running, kills) => runOnce(scenario, running, kills) };
});
