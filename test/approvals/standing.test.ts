// What votes are worth under a policy, and whose would still count.
import type { ApprovalView, CastVote, PolicyGroup, Voter } from '../../workflows/approvals/contract.ts';
import { canApprove, canBreakGlass, canReject, satisfiedBy } from '../../workflows/approvals/policy.ts';
import {
  awaitsLooks,
  missingVotes,
  openTo,
  standing,
  unsatisfiable,
  worthOf,
} from '../../workflows/approvals/quorum.ts';
import { initialApproval, nextDeadline } from '../../workflows/approvals/state.ts';
import {
  anybodyGroup,
  numbers,
  policyWith,
  roleGroup,
  usersGroup,
  viewWith,
  voter,
} from '../support/approvals/cases.ts';
import { render } from '../../kit/messages/message.ts';

const [dev, ops, boss] = [1, 2, 3] as const;
const actor = (id: number) => ({ id, username: `user-${id}`, channel: 'token' as const });
const cast = (userId: number, roles: number[] = [], step = 0): CastVote => ({ userId, step, voter: voter(roles) });
const refusal = (view: ApprovalView, id: number, as: Voter = voter()): string | undefined =>
  canApprove(view, { actor: actor(id), voter: as })?.problem;

describe('a vote', () => {
  const two = viewWith(policyWith([[roleGroup(dev), roleGroup(ops)]]));

  test('of who is in two groups is moved to the one that leaves room for who is in one', () => {
    const view = { ...two, votes: [cast(1, [dev, ops])] };
    expect(worthOf(view, 2, voter([dev]))).toBe('counts');
    expect(worthOf(view, 3, voter([ops]))).toBe('counts');
    expect(satisfiedBy(view, cast(2, [dev]))).toBe(true);
    expect(satisfiedBy(view, cast(3, [ops]))).toBe(true);
  });

  test('counts in one group only: one person does not satisfy two', () => {
    expect(satisfiedBy(two, cast(1, [dev, ops]))).toBe(false);
    expect(refusal({ ...two, votes: [cast(1, [dev, ops])] }, 1, voter([dev, ops]))).toBe('already_approved');
  });

  test('for a group that has its votes is refused, naming what is missing', () => {
    const view = { ...two, votes: [cast(1, [dev])] };
    const refused = canApprove(view, { actor: actor(2), voter: voter([dev]) });
    expect(refused?.problem).toBe('group_complete');
    expect(refused && render(refused.said, 'en')).toContain('1 more of role role-2');
  });

  test('of a user whom the policy does not ask is refused, even with the permission', () => {
    expect(refusal(two, 4, voter([boss]))).toBe('not_your_vote');
  });

  test('of a listed user without the permission is refused', () => {
    const view = viewWith(policyWith([[usersGroup([5])]]));
    expect(refusal(view, 5)).toBeUndefined();
    expect(refusal(view, 5, voter([], { holds: false }))).toBe('not_allowed');
  });

  test('for a later step waits for it, and counts when it opens', () => {
    const view = viewWith(policyWith([[roleGroup(dev)], [roleGroup(ops)]]));
    expect(refusal(view, 2, voter([ops]))).toBe('not_your_step');
    const opened = { ...view, votes: [cast(1, [dev])] };
    expect(standing(opened).step).toBe(1);
    expect(refusal(opened, 2, voter([ops]))).toBeUndefined();
    expect(refusal(opened, 1, voter([dev, ops]))).toBe('already_approved');
    expect(satisfiedBy(opened, cast(2, [ops], 1))).toBe(true);
  });

  test('of the creator, and of who changed it last, counts only if the policy says so', () => {
    const strict = viewWith(policyWith([[anybodyGroup()]]), { changedById: 7 });
    expect([refusal(strict, 900), refusal(strict, 7)]).toEqual(['own_request', 'changed_request']);
    expect(canReject(strict, actor(7))?.problem).toBe('changed_request');
    const lax = { ...strict, policy: { ...strict.policy, creatorMayVote: true } };
    expect([refusal(lax, 900), refusal(lax, 7)]).toEqual([undefined, undefined]);
  });

  test('from before there were policies counts as anybody’s in the first step', () => {
    const view = { ...viewWith(policyWith([[anybodyGroup(2)]])), votes: [{ userId: 1 }] };
    expect(satisfiedBy(view, { userId: 2 })).toBe(true);
  });
});

const seatOf = (userId: number, roles: number[] = []) => ({ userId, roles });
/** Somebody who holds nothing, to whom these have delegated. */
const delegateOf = (...seats: { userId: number; roles: number[] }[]): Voter => ({
  roles: [],
  holds: false,
  delegators: seats.map(({ userId }) => userId),
  seats,
});
const holderOf = (userId: number, roles: number[] = []): Voter => ({
  ...voter(roles),
  seats: [seatOf(userId, roles)],
});

describe('a delegate sits in the seat of the giver', () => {
  const giver = seatOf(5, [dev]);
  const escalation = policyWith([[roleGroup(ops, 2)]], { escalateAfterHours: 1, escalateTo: { id: dev, name: 'dev' } });
  const groups: [string, Partial<ApprovalView>, ApprovalView][] = [
    ['anybody', {}, viewWith(policyWith([[anybodyGroup(2)]]))],
    ['a role', {}, viewWith(policyWith([[roleGroup(dev, 2)]]))],
    ['listed users', {}, viewWith(policyWith([[usersGroup([5, 6], 2)]]))],
    ['an escalation', { escalated: true }, viewWith(escalation, { escalated: true })],
    ['steps of different groups', {}, viewWith(policyWith([[anybodyGroup()], [roleGroup(dev)]]))],
  ];

  test.each(groups)('of %s: both together count once, in either order', (_name, more, view) => {
    for (const [one, other] of [
      [delegateOf(giver), holderOf(5, [dev])],
      [holderOf(5, [dev]), delegateOf(giver)],
      [delegateOf(giver), delegateOf(giver)],
    ] as const) {
      expect(refusal(view, 8, one)).toBeUndefined();
      const voted = { ...view, ...more, votes: [{ userId: 8, step: 0, voter: one }] };
      expect(refusal(voted, 9, other)).toBe('seat_taken');
      expect(
        standing({ ...voted, votes: [...voted.votes, { userId: 9, step: standing(voted).step, voter: other }] }),
      ).toEqual(standing(voted));
      expect(openTo(voted).taken).toEqual([5]);
    }
  });

  test.each(groups)('of %s: where the giver does not belong, nor does the delegate', (name, _more, view) => {
    const stranger = delegateOf(seatOf(77, [boss]));
    const expected = ['anybody', 'steps of different groups'].includes(name) ? undefined : 'not_your_vote';
    expect(refusal(view, 8, stranger)).toBe(expected);
  });

  test('a delegate with the right has a vote, and so has the giver: a seat is left for whoever comes', () => {
    const view = viewWith(policyWith([[anybodyGroup(2)]]));
    const both = { ...holderOf(8), seats: [seatOf(8), giver] };
    const voted = { ...view, votes: [{ userId: 8, step: 0, voter: both }] };
    expect(refusal(voted, 5, holderOf(5))).toBeUndefined();
    expect(refusal({ ...view, votes: [{ userId: 5, step: 0, voter: holderOf(5) }] }, 8, both)).toBeUndefined();
  });

  test('the seat of the creator, and of who changed it last, is nobody’s unless the policy lets creators vote', () => {
    const view = viewWith(policyWith([[anybodyGroup()]]), { changedById: 7 });
    for (const barred of [900, 7]) {
      expect(refusal(view, 8, delegateOf(seatOf(barred)))).toBe('not_your_vote');
      const lax = { ...view, policy: { ...view.policy, creatorMayVote: true } };
      expect(refusal(lax, 8, delegateOf(seatOf(barred)))).toBeUndefined();
    }
  });

  test('a giver and the delegate look once together at what was started without approval', () => {
    const started = viewWith(policyWith([[anybodyGroup()]]), { status: 'running', brokeGlassById: 900 });
    const once = { ...started, votes: [{ userId: 5, step: 0, voter: holderOf(5) }] };
    expect(refusal(once, 8, delegateOf(giver))).toBe('seat_taken');
    expect(refusal(once, 8, delegateOf(seatOf(900)))).toBe('seat_taken');
    expect(awaitsLooks({ ...once, votes: [...once.votes, { userId: 8, voter: delegateOf(giver) }] })).toBe(true);
    expect(refusal(once, 8, holderOf(8))).toBeUndefined();
  });
});

describe('a delegated vote from before delegates sat in seats', () => {
  const delegate = (...delegators: number[]): Voter => voter([], { holds: false, delegators });

  test('is weighed as it was: where anybody counts, and in the place of a listed user, not for a role', () => {
    expect(refusal(viewWith(policyWith([[anybodyGroup()]])), 8, delegate(5))).toBeUndefined();
    expect(refusal(viewWith(policyWith([[usersGroup([5])]])), 8, delegate(5))).toBeUndefined();
    expect(refusal(viewWith(policyWith([[usersGroup([6])]])), 8, delegate(5))).toBe('not_your_vote');
    expect(refusal(viewWith(policyWith([[roleGroup(dev)]])), 8, delegate(5))).toBe('not_your_vote');
    const twice = viewWith(policyWith([[anybodyGroup(2)]]), { votes: [cast(5)] });
    expect(satisfiedBy(twice, { userId: 8, step: 0, voter: delegate(5) })).toBe(true);
  });

  test('and the one in whose place it is count once together', () => {
    const view = viewWith(policyWith([[usersGroup([5, 6], 2)]]), {
      votes: [{ userId: 8, step: 0, voter: delegate(5) }],
    });
    expect(refusal(view, 5)).toBe('seat_taken');
    expect(refusal(view, 6)).toBeUndefined();
    expect(openTo(view)).toEqual({ anyone: false, roles: [], users: [6] });
  });
});

describe('an escalation', () => {
  const policy = policyWith([[roleGroup(dev), roleGroup(ops)]], {
    escalateAfterHours: 24,
    escalateTo: { id: boss, name: 'boss' },
    expireAfterHours: 72,
  });

  test('lets its role vote in every group, but not earlier', () => {
    const view = viewWith(policy, { votes: [cast(1, [dev])] });
    expect(refusal(view, 3, voter([boss]))).toBe('not_your_vote');
    const escalated = { ...view, escalated: true };
    expect(refusal(escalated, 3, voter([boss]))).toBeUndefined();
    expect(satisfiedBy(escalated, cast(3, [boss]))).toBe(true);
    expect(openTo(escalated)).toEqual({ anyone: false, roles: [ops, boss], users: [], taken: [1] });
    const missing = missingVotes(escalated);
    expect(missing && render(missing, 'en')).toBe('1 more of role role-2, or of role boss');
  });

  test('and the expiry come at their hours from the beginning of the review, which a vote does not move', () => {
    const createdTime = '2026-01-01T00:00:00.000Z';
    const made = initialApproval({ kind: 'deploy_task', creator: { id: 1, username: 'a' }, policy, createdTime });
    expect(nextDeadline(made)).toMatchObject({ kind: 'escalate', at: Date.parse('2026-01-02T00:00:00Z') });
    expect(nextDeadline({ ...made, escalated: true })).toMatchObject({
      kind: 'expire',
      at: Date.parse('2026-01-04T00:00:00Z'),
    });
    expect(nextDeadline({ ...made, status: 'approved' })).toBeUndefined();
  });
});

describe('a start without approval', () => {
  const policy = policyWith([[roleGroup(dev, 2)]], { breakGlass: { id: ops, name: 'ops' } });

  test('is for the role that the policy names', () => {
    expect(canBreakGlass(viewWith(policy), [ops])).toBeUndefined();
    expect(canBreakGlass(viewWith(policy), [dev])?.problem).toBe('not_allowed');
    expect(canBreakGlass(viewWith(policyWith([[anybodyGroup()]])), [ops])?.problem).toBe('no_break_glass');
  });

  test('waits until two others have looked at it, after its end too', () => {
    const started = viewWith(policy, { status: 'finished', brokeGlassById: 900 });
    expect(awaitsLooks(started)).toBe(true);
    expect(openTo(started)).toEqual({ anyone: true, roles: [], users: [] });
    expect(refusal(started, 900)).toBe('own_request');
    expect(refusal(started, 1)).toBeUndefined();
    const once = { ...started, votes: [cast(1)] };
    expect([refusal(once, 1), refusal(once, 2)]).toEqual(['already_approved', undefined]);
    const twice = { ...once, votes: [cast(1), cast(2)] };
    expect(awaitsLooks(twice)).toBe(false);
    expect(refusal(twice, 3)).toBe('request_finished');
  });
});

describe('whom a request is open to', () => {
  test('is exactly those whose vote the gate would take, whatever policy and votes', () => {
    for (let seed = 1; seed < 150; seed += 1) {
      const next = numbers(seed * 104_729);
      const group = (): PolicyGroup =>
        [roleGroup(1 + next(3), 1 + next(2)), usersGroup([1 + next(6), 7 + next(3)], 1 + next(2)), anybodyGroup()][
          next(3)
        ] as PolicyGroup;
      const steps = Array.from({ length: 1 + next(2) }, () => Array.from({ length: 1 + next(3) }, group));
      let view = viewWith(policyWith(steps));
      for (let id = 1; id < 10; id += 1) {
        const as = voter([1, 2, 3].filter(() => next(2) === 0));
        const { anyone, roles, users } = openTo(view);
        const meant = anyone || users.includes(id) || roles.some((role) => as.roles.includes(role));
        expect([seed, id, refusal(view, id, as) === undefined]).toEqual([seed, id, meant]);
        if (meant) view = { ...view, votes: [...view.votes, { userId: id, step: standing(view).step, voter: as }] };
        if (standing(view).step === steps.length) view = { ...view, status: 'approved' };
      }
    }
  });
});

describe('a policy', () => {
  const people = [
    { userId: 1, voter: voter([dev, ops]) },
    { userId: 2, voter: voter([dev]) },
  ];

  test('whose groups need the same person twice cannot be satisfied, and the group that is short is named', () => {
    expect(unsatisfiable(policyWith([[roleGroup(dev)], [roleGroup(ops)]]), people)).toBeUndefined();
    expect(unsatisfiable(policyWith([[roleGroup(dev)], [roleGroup(ops), roleGroup(dev)]]), people)).toEqual({
      step: 1,
      group: 1,
      has: 0,
    });
    expect(unsatisfiable(policyWith([[roleGroup(boss)]]), people)).toEqual({ step: 0, group: 0, has: 0 });
    expect(unsatisfiable(policyWith([[anybodyGroup(3)]]), people)).toEqual({ step: 0, group: 0, has: 2 });
  });
});
