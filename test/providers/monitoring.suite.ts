// What every driver of a monitoring system promises, whatever is behind it. A driver's test brings a harness that looks
// at the system itself, beside the driver.
import { ProviderError } from '../../activities/providers/error.ts';
import { UnknownTemplateError } from '../../activities/providers/monitoring/driver.ts';
import type { Monitored, MonitoredHost, Monitoring } from '../../activities/providers/monitoring/driver.ts';
import { eventually, unique } from '../support/harness.ts';

/** A host as the system itself shows it. */
interface Look extends Monitored {
  enabled: boolean;
  inMaintenance: boolean;
}

interface MonitoringHarness {
  monitoring: Monitoring;
  /** Another driver over the same system, as another worker has it. */
  another(): Monitoring;
  /** Names that exist. */
  groups: readonly [string, string];
  templates: readonly [string, string];
  /** Null: it does not know the host. */
  look(name: string): Promise<Look | null> | Look | null;
  /** How many maintenance periods there are for a key. */
  periods(key: string): Promise<number> | number;
  raiseProblem(host: string, text: string): Promise<void> | void;
  /** What the next call meets; later ones work. Absent where it cannot be told. */
  meet?(trouble: 'refuse' | 'drop_before' | 'drop_after'): Promise<void> | void;
  /** What must not be in any error. */
  secrets: readonly string[];
  close(): Promise<void>;
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** A system may look at its periods once a minute only. */
const takesEffect = { timeout: 100_000, interval: 500 };

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

export function monitoringSuite(name: string, open: () => Promise<MonitoringHarness>): void {
  describe(`${name} keeps the promises of a monitoring system`, () => {
    let h: MonitoringHarness;
    beforeAll(async () => {
      h = await open();
    }, 180_000);
    afterAll(() => h.close(), 60_000);

    const aHost = (): MonitoredHost => ({ name: `suite-${unique()}`, addresses: ['192.0.2.7'] });
    const lists = (): Monitored => ({ groups: [...h.groups], templates: [...h.templates] });
    const sorted = ({ groups, templates }: Monitored): Monitored => ({
      groups: [...groups].sort(),
      templates: [...templates].sort(),
    });
    const known = async (): Promise<MonitoredHost> => {
      const host = aHost();
      await h.monitoring.ensureHost(host, lists());
      return host;
    };

    test('a host that it does not know is created with groups and templates, and what it has is confirmed', async () => {
      const host = aHost();
      const confirmed = await h.monitoring.ensureHost(host, lists());
      expect(sorted(confirmed)).toEqual(sorted(lists()));
      expect(await h.look(host.name)).toMatchObject({ enabled: true, inMaintenance: false });
      expect(sorted((await h.look(host.name)) ?? { groups: [], templates: [] })).toEqual(sorted(lists()));
    });

    test('the same again, by another driver, changes nothing', async () => {
      const host = await known();
      const before = await h.look(host.name);
      expect(sorted(await h.another().ensureHost(host, lists()))).toEqual(sorted(lists()));
      expect(await h.look(host.name)).toEqual(before);
    });

    test('a list that is given replaces, one left out stays, no templates unlinks all', async () => {
      const host = await known();
      const [group] = h.groups;
      const grouped = await h.monitoring.ensureHost(host, { groups: [group] });
      expect(sorted(grouped)).toEqual(sorted({ groups: [group], templates: [...h.templates] }));
      const bare = await h.monitoring.ensureHost(host, { templates: [] });
      expect(bare).toEqual({ groups: [group], templates: [] });
      expect(await h.monitoring.ensureHost(host, {})).toEqual({ groups: [group], templates: [] });
    });

    test('a host created without groups is in one, and one without an address is created too', async () => {
      const { groups, templates } = await h.monitoring.ensureHost({ name: aHost().name, addresses: [] }, {});
      expect(groups).toHaveLength(1);
      expect(templates).toEqual([]);
    });

    test('a name that does not exist is named, and nothing is changed', async () => {
      const host = await known();
      const before = await h.look(host.name);
      const [group] = h.groups;
      const [template] = h.templates;
      const noTemplate = await thrownBy(h.monitoring.ensureHost(host, { groups: [group], templates: ['no such t'] }));
      expect(noTemplate).toBeInstanceOf(UnknownTemplateError);
      expect(noTemplate).toMatchObject({ kind: 'template', missing: 'no such t' });
      const noGroup = await thrownBy(h.monitoring.ensureHost(host, { groups: ['no such g'], templates: [template] }));
      expect(noGroup).toBeInstanceOf(UnknownTemplateError);
      expect(noGroup).toMatchObject({ kind: 'group', missing: 'no such g' });
      expect(await h.look(host.name)).toEqual(before);
      const unknown = aHost();
      await thrownBy(h.monitoring.ensureHost(unknown, { groups: ['no such g'] }));
      expect(await h.look(unknown.name)).toBeNull();
    });

    test('a host taken out keeps what it has, and comes back; one that is not there is no matter', async () => {
      const host = await known();
      await h.monitoring.disableHost(host.name);
      await h.another().disableHost(host.name);
      expect(await h.look(host.name)).toMatchObject({ enabled: false });
      expect(sorted(await h.monitoring.ensureHost(host, {}))).toEqual(sorted(lists()));
      expect(await h.look(host.name)).toMatchObject({ enabled: true });
      await h.monitoring.disableHost(aHost().name);
    });

    test('maintenance begins for the hosts that it knows; the others are answered', async () => {
      const [host, stranger] = [await known(), aHost()];
      const key = `suite/${unique()}`;
      const hosts = [host.name, stranger.name];
      expect(await h.monitoring.beginMaintenance({ key, reason: 'restart', hosts, until: inAnHour() })).toEqual([
        stranger.name,
      ]);
      await eventually(async () => (await h.look(host.name))?.inMaintenance ?? false, takesEffect);
      await h.monitoring.endMaintenance(key);
      await eventually(async () => (await h.look(host.name))?.inMaintenance === false, takesEffect);
      await h.another().endMaintenance(key);
    }, 240_000);

    test('maintenance of hosts that it does not know is no failure', async () => {
      const hosts = [aHost().name];
      const period = { key: `suite/${unique()}`, reason: 'restart', hosts, until: inAnHour() };
      expect(await h.monitoring.beginMaintenance(period)).toEqual(hosts);
    });

    test('the same key again extends the period; two keys are two periods', async () => {
      const host = await known();
      const [one, other] = [`suite/${unique()}`, `suite/${unique()}`];
      const period = { reason: 'restart', hosts: [host.name], until: inAnHour() };
      await h.monitoring.beginMaintenance({ ...period, key: one });
      await h.another().beginMaintenance({ ...period, key: one, until: new Date(Date.now() + 7_200_000) });
      await h.monitoring.beginMaintenance({ ...period, key: other });
      expect([await h.periods(one), await h.periods(other)]).toEqual([1, 1]);
      await h.monitoring.endMaintenance(one);
      expect([await h.periods(one), await h.periods(other)]).toEqual([0, 1]);
      await h.monitoring.endMaintenance(other);
    });

    test('a period is extended and never shortened, and what ended is cleared away', async () => {
      const host = await known();
      const [ended, lasting] = [`suite/${unique()}`, `suite/${unique()}`];
      const period = { reason: 'restart', hosts: [host.name] };
      const inHours = (hours: number): Date => new Date(Date.now() + hours * 3_600_000);
      await h.monitoring.beginMaintenance({ ...period, key: ended, until: inHours(1) });
      await h.monitoring.beginMaintenance({ ...period, key: lasting, until: inHours(4) });
      await h.monitoring.beginMaintenance({ ...period, key: lasting, until: inHours(1) });
      expect(await h.monitoring.removeExpired(new Date())).toBe(0);
      expect(await h.another().removeExpired(inHours(2))).toBe(1);
      expect([await h.periods(ended), await h.periods(lasting)]).toEqual([0, 1]);
      await h.monitoring.endMaintenance(lasting);
    });

    test('open problems come by host, of those that have some', async () => {
      const [sick, well] = [await known(), await known()];
      await h.raiseProblem(sick.name, 'the disk is full');
      const found = await eventually(
        async () => {
          const problems = await h.monitoring.openProblems([sick.name, well.name]);
          return problems.size > 0 && problems;
        },
        { timeout: 60_000 },
      );
      expect([...found.keys()]).toEqual([sick.name]);
      expect(found.get(sick.name)?.join()).toContain('the disk is full');
      expect(await h.monitoring.openProblems([])).toEqual(new Map());
    }, 90_000);

    test('a lost answer is an unavailable that may be repeated; a refusal is final; neither tells a secret', async () => {
      if (!h.meet) return;
      const host = aHost();
      for (const [trouble, kind] of [
        ['drop_before', 'unavailable'],
        ['drop_after', 'unavailable'],
        ['refuse', 'refused'],
      ] as const) {
        await h.meet(trouble);
        const error = await thrownBy(h.monitoring.ensureHost(host, lists()));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind });
        const { message, stack } = error as ProviderError;
        for (const secret of h.secrets) expect(`${message} ${stack}`).not.toContain(secret);
      }
      expect(sorted(await h.monitoring.ensureHost(host, lists()))).toEqual(sorted(lists()));
    });
  });
}
