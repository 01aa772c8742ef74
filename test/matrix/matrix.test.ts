// Every operation, tried by every caller on every object. Permissions are checked before validation, so a request with an
// unknown parameter shows who is admitted without taking effect; only reads and missing objects are requested in full.
import { endpoints } from '../../api/areas.ts';
import type { Endpoint } from '../../api/operations/endpoint.ts';
import { testApp, type TestApp } from '../support/api/app.ts';
import type { Page } from '../support/api/inventory.ts';
import { makeCast, type Cast } from './cast.ts';
import { absent, kinds, nested, type Objects } from './estate.ts';
import { callers, places, type MatrixCaller, type SignedInCaller, type RequestPart, type Rule } from './rules.ts';
import { table } from './table.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

// Rules with the same needs share their people and objects, but for those whose requests change them.
const casts = new Map<unknown, Promise<Cast>>();
function castOf(rule: Rule): Promise<Cast> {
  const { needs, without, maker, member, carriedOut } = rule;
  const key = carriedOut ? rule : JSON.stringify([needs, without, maker, member]);
  const cast = casts.get(key) ?? makeCast(t, rule);
  casts.set(key, cast);
  return cast;
}

interface Trial {
  operation: Endpoint;
  rule: Rule;
  caller: MatrixCaller;
  place: RequestPart | undefined;
}

const rulesOf = (id: string): Rule[] => {
  const rules = table[id];
  return rules === undefined || rules === 'open' ? [] : Array.isArray(rules) ? [...(rules as Rule[])] : [rules as Rule];
};

const placesOf = ({ on, shows }: Rule): (RequestPart | undefined)[] => {
  if (!on) return [undefined];
  if (shows !== undefined) return ['own', "other's"];
  return places.filter((place) => place !== 'astray' || nested.includes(on));
};

const trials = endpoints.flatMap((operation) =>
  rulesOf(operation.id).flatMap((rule) =>
    placesOf(rule).flatMap((place) => callers.map((caller): Trial => ({ operation, rule, caller, place }))),
  ),
);

/** The objects that the request names, and those that go before them in the path. */
function objectsOf(
  cast: Cast,
  caller: SignedInCaller,
  place: RequestPart,
): { object: Objects; parent: Objects; home: Objects } {
  const home = cast.home(caller);
  const own = cast.objects(caller, 'own');
  const others = cast.objects(caller, "other's");
  if (place === 'absent') return { object: absent, parent: own, home };
  if (place === 'astray') return { object: others, parent: own, home };
  const object = place === 'own' ? own : others;
  return { object, parent: object, home };
}

async function send({ operation, rule, caller, place = 'own' }: Trial) {
  const cast = await castOf(rule);
  const known = caller === 'anonymous' ? 'owner' : caller;
  const { object, parent, home } = objectsOf(cast, known, place);
  const params: Record<string, number> = rule.path
    ? rule.path(object, home)
    : rule.on && !rule.shows
      ? kinds[rule.on](object, place === 'absent' && !nested.includes(rule.on) ? object : parent)
      : {};
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? 1));
  const isThere = place === 'own' || place === "other's";
  const harmless = operation.method !== 'GET' && !rule.carriedOut && isThere;
  const body = rule.body?.(object, home);
  const response = await t.app.request(
    `${path}?${rule.shows === undefined ? (harmless ? 'no_such_parameter=1' : (rule.query ?? '')) : 'page_size=1000'}`,
    {
      method: operation.method,
      headers: {
        'content-type': 'application/json',
        ...(caller !== 'anonymous' && { authorization: `Token ${cast.users[caller].token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    },
  );
  const text = await response.text();
  return { status: response.status, text, harmless, object, rule };
}

const refusals = { 401: [10002, 'anonymous'], 403: [10003, 'refused'], 404: [10004, 'hidden'] } as const;

/** What became of a request, in the words of the rules. */
function found({ status, text, harmless, object, rule }: Awaited<ReturnType<typeof send>>): string {
  const code = (): unknown => (JSON.parse(text) as { error_code?: unknown }).error_code;
  const refusal = refusals[status as keyof typeof refusals] as (typeof refusals)[401] | undefined;
  if (refusal) return code() === refusal[0] ? refusal[1] : `${status} ${String(code())}`;
  if (harmless) return status === 400 && code() === 10001 ? 'in' : `${status} ${text.slice(0, 200)}`;
  if (rule.shows !== undefined && rule.on && status === 200) {
    const { results } = JSON.parse(text) as Page;
    return results.some((item) => item[rule.shows ?? 'id'] === object[rule.on ?? 'user']) ? 'in' : 'hidden';
  }
  const isIn = status < 300 || (rule.carriedOut === true && status === 409);
  return isIn ? 'in' : `${status} ${text.slice(0, 200)}`;
}

const expectedOf = ({ rule, caller, place }: Trial): string =>
  caller === 'anonymous' ? 'anonymous' : rule.expected(caller, place ?? 'own');

describe('the matrix of permissions', () => {
  it('has a rule for every operation, and none for an operation that is not there', () => {
    const served = endpoints.map(({ id }) => id);
    expect(served.filter((id) => table[id] === undefined)).toEqual([]);
    expect(Object.keys(table).filter((id) => !served.includes(id))).toEqual([]);
  });

  it('is public exactly where the rules say', () => {
    const open = endpoints.filter(({ permission }) => permission === 'public').map(({ id }) => id);
    expect(endpoints.filter(({ id }) => table[id] === 'open').map(({ id }) => id)).toEqual(open);
  });

  const areas = Map.groupBy(trials, ({ operation }) => operation.area);
  it.each([...areas.keys()])('lets everybody in where the rules say, and nowhere else: %s', async (area) => {
    const wrong: string[] = [];
    for (const trial of areas.get(area) ?? []) {
      const { operation, caller, place } = trial;
      const [is, should] = [found(await send(trial)), expectedOf(trial)];
      if (is !== should)
        wrong.push(`${operation.id}: ${caller}${place ? ` on ${place}` : ''} is ${is}, should be ${should}`);
    }
    expect(wrong).toEqual([]);
  });
});
