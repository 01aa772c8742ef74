// The language of the permission matrix. A rule states the permission and the object that an operation needs; the admitted
// callers follow. Each rule is tried by a caller who holds exactly what it needs and by one who holds everything else.
import type { ApplicationPermission, HostPermission, SystemPermission } from '../../db/access/permission-catalogue.ts';
import { nested, type Kind, type Objects } from './estate.ts';

/**
 * `stranger` holds what is needed, on the other team's objects only; `reader` everything but what is needed, on the own
 * team's; `owner` exactly what is needed, on the own team's.
 */
export const callers = ['anonymous', 'stranger', 'reader', 'owner', 'admin'] as const;
export type MatrixCaller = (typeof callers)[number];
export type SignedInCaller = Exclude<MatrixCaller, 'anonymous'>;

/** `astray` is an object of the other team under a parent of the own one. */
export const places = ['absent', 'astray', "other's", 'own'] as const;
export type RequestPart = (typeof places)[number];

/** `in`: let in; `refused`: 403; `hidden`: 404. */
type Answered = 'in' | 'refused' | 'hidden';

export interface Needs {
  application?: readonly ApplicationPermission[];
  host?: readonly HostPermission[];
  system?: readonly SystemPermission[];
}

export interface Rule {
  needs: Needs;
  /** What the reader lacks; by default all that is needed. */
  without?: Needs;
  /** The owner (and the stranger, for their team's objects) is the creator. */
  maker?: boolean;
  /** Callers belong to their team's role. */
  member?: boolean;
  /** The object that is own, other's or absent; without one the operation is tried once a caller. */
  on?: Kind;
  /** Parameters of the path; by default those of the object. `home` is the caller's own team's. */
  path?: (object: Objects, home: Objects) => Record<string, number>;
  /** A valid body, when the decision depends on it or something absent has to be looked up. */
  body?: (object: Objects, home: Objects) => unknown;
  /** A query string that is needed. */
  query?: string;
  /** Part of it is decided after validation: the request is really carried out (or there is a conflict). */
  carriedOut?: boolean;
  /** The list shows objects of `on`, by this field, to those who may see them. */
  shows?: string;
  expected: (caller: SignedInCaller, place: RequestPart) => Answered;
}

export type Table = Readonly<Record<string, 'open' | Rule | readonly Rule[]>>;
type Options = Partial<Omit<Rule, 'needs' | 'expected'>> & Partial<Record<SignedInCaller, Answered>>;

const nobodyThere = (outcome: Answered): Answered => (outcome === 'in' ? 'hidden' : outcome);

/** On an object of a team: others do not find it. `reader` is refused by default. */
export const team = (on: Kind, needs: Needs, { reader = 'refused', admin = 'in', ...more }: Options = {}): Rule => ({
  on,
  needs,
  ...more,
  expected(caller, place) {
    const atHome: Answered = { stranger: 'hidden' as const, reader, owner: more.owner ?? 'in', admin }[caller];
    if (place === 'own') return atHome;
    if (place === 'astray' || (place === 'absent' && nested.includes(on))) return nobodyThere(atHome);
    if (place === 'absent') return 'hidden';
    return { stranger: more.owner ?? 'in', reader: 'hidden' as const, owner: 'hidden' as const, admin }[caller];
  },
});

/** Objects of a team that everybody who sees them may read. */
export const seen = (on: Kind, needs: Needs, more: Options = {}): Rule => team(on, needs, { reader: 'in', ...more });

/** The same wherever the object belongs: the owner and administrators are let in, others by name. */
export const everywhere = (needs: Needs, outcomes: Options = {}): Rule => ({
  needs,
  ...outcomes,
  expected(caller, place) {
    const own = { stranger: 'refused', reader: 'refused', owner: 'in', admin: 'in' } as const;
    const outcome = outcomes[caller] ?? own[caller];
    return place === 'absent' ? nobodyThere(outcome) : outcome;
  },
});

/** A permission of a module: who holds it on the whole, whatever the object. */
export const holding = (...system: SystemPermission[]) => everywhere({ system });
export const holdingOn = (on: Kind, system: SystemPermission, more: Options = {}): Rule =>
  everywhere({ system: [system] }, { on, ...more });

/** Any logged-in user. */
export const anybody = (more: Options = {}): Rule => everywhere({}, { stranger: 'in', reader: 'in', ...more });

/** Personal objects: each user has their own; those of others are hidden or refused, except to callers admitted by name. */
export const personal = (on: Kind, needs: Needs, others: Answered, more: Options = {}): Rule => ({
  on,
  needs,
  ...more,
  expected(caller, place) {
    if (place === 'own') return 'in';
    const outcome = more[caller] ?? others;
    return place === 'absent' ? nobodyThere(outcome) : outcome;
  },
});

/** For the members of a role; others are refused. */
export const members = (more: Options = {}): Rule => ({
  on: 'role',
  needs: {},
  member: true,
  ...more,
  expected(caller, place) {
    if (caller === 'admin') return place === 'absent' ? 'hidden' : 'in';
    return (place === 'own') === (caller !== 'stranger') && place !== 'absent' ? 'in' : 'refused';
  },
});
