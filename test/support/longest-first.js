// The order of test files: those that wait longest begin first, so that no worker has one left when the others are done.
// Without durations of an earlier run, as in CI, jest goes by size; these are long whatever their size.
import sequencer from '@jest/test-sequencer';

const Sequencer = sequencer.default ?? sequencer;

const longest = [
  'deploy/sub-tasks',
  'deploy/crash',
  'hosts/crash',
  'workflows/replay',
  'providers/runner-agent',
  'gate/engine-port',
  'deploy/takeover',
  'deploy/outbox',
  'gate/values-in-scripts',
  'deploy/undo',
  'deploy/repeated',
  'deploy/process',
  'gate/inputs',
  'providers/runner-local',
  'kit/jinja',
  'api/tracing',
];

/** The lower, the earlier. */
const place = ({ path }) => {
  const found = longest.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return found === -1 ? longest.length : found;
};

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const usual = await super.sort(tests);
    return usual.sort((one, other) => place(one) - place(other));
  }
}
