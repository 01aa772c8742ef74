import { createRunners } from '../../activities/providers/runner/create.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { settings } from '../../kit/config/settings.ts';
import { runnerNames, runnerTable } from '../../workflows/hosts/contract.ts';

const mistakesOf = (env: Record<string, string>): string => {
  try {
    parseConfig(env);
    return '';
  } catch (error) {
    return String(error);
  }
};
const salt = { SLIPWAY_SALT_USER: 'slipway', SLIPWAY_SALT_PASSWORD: 'hunter2' };

describe('the settings of runners', () => {
  const envs: Record<(typeof runnerNames)[number], Record<string, string>> = {
    salt: { ...salt, SLIPWAY_SALT_URL: 'https://salt.example.com' },
    ssh: { SLIPWAY_SSH_KEY_FILE: '/key', SLIPWAY_SSH_KNOWN_HOSTS: '/hosts' },
    local: { SLIPWAY_LOCAL_RUNNER: 'on' },
  };
  it.each(runnerNames)('of %s give its driver alone, by the setting that its entry names', (name) => {
    const env: Record<string, string> = { SLIPWAY_LOCAL_RUNNER: 'off', ...envs[name] };
    expect(Object.keys(createRunners(parseConfig(env)))).toEqual([name]);
    const { variable } = settings[runnerTable[name].setting];
    const { [variable]: _first, ...others } = env;
    const without = parseConfig({ SLIPWAY_LOCAL_RUNNER: 'off', ...others });
    expect(Object.keys(createRunners(without))).toEqual([]);
  });

  it('want known hosts with a key for SSH, and a user and password with an address of Salt', () => {
    expect(mistakesOf({ SLIPWAY_SSH_KEY_FILE: '/key' })).toContain('SLIPWAY_SSH_KNOWN_HOSTS: is missing');
    const alone = mistakesOf({ SLIPWAY_SALT_URL: 'https://salt.example.com' });
    expect(alone).toContain('SLIPWAY_SALT_USER: is missing');
    expect(alone).toContain('SLIPWAY_SALT_PASSWORD: is missing');
    expect(parseConfig({ SLIPWAY_SSH_KEY_FILE: '/key', SLIPWAY_SSH_KNOWN_HOSTS: '/hosts' })).toMatchObject({
      sshUser: 'root',
      sshPort: 22,
      saltEauth: 'pam',
    });
  });

  it('want Salt and SSH for the installation of minions, and a name or an address of the master', () => {
    const ssh = { SLIPWAY_SSH_KEY_FILE: '/key', SLIPWAY_SSH_KNOWN_HOSTS: '/hosts' };
    const url = { ...salt, SLIPWAY_SALT_URL: 'https://salt.example.com' };
    const alone = mistakesOf({ SLIPWAY_SALT_MASTER: 'salt.example.com' });
    expect(alone).toContain('SLIPWAY_SALT_MASTER: has no use without SLIPWAY_SALT_URL');
    expect(alone).toContain('SLIPWAY_SALT_MASTER: has no use without SLIPWAY_SSH_KEY_FILE');
    for (const master of ['salt.example.com', '10.1.2.3', '10.1.2.3:14506', '[fd00::1]:14506', '[fd00::1]'])
      expect(mistakesOf({ ...ssh, ...url, SLIPWAY_SALT_MASTER: master })).toBe('');
    for (const master of ["salt'; reboot", 'https://salt.example.com', 'salt:', 'salt.example.com:145060', '-salt'])
      expect(mistakesOf({ ...ssh, ...url, SLIPWAY_SALT_MASTER: master })).toContain('SLIPWAY_SALT_MASTER: must be');
  });

  it.each([
    'http://127.0.0.1:8000',
    'http://10.1.2.3',
    'http://[fd00::1]:8000',
    'http://salt.internal',
    'https://8.8.8.8',
  ])('let Salt be at %s', (url) => {
    expect(mistakesOf({ ...salt, SLIPWAY_SALT_URL: url })).toBe('');
  });

  it.each(['http://8.8.8.8:8000', 'http://[2001:db8::1]', 'http://172.32.0.1'])(
    'refuse Salt at %s, in the clear',
    (url) => {
      const mistakes = mistakesOf({ ...salt, SLIPWAY_SALT_URL: url });
      expect(mistakes).toContain('use https');
      expect(mistakes).not.toContain('hunter2');
    },
  );
});
