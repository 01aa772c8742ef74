// Authenticates messages to workflows for activities: an envelope that only the API can seal, and the signature of a bot or
// an operator. Any client of the engine's port can send messages; the keys appear in no history.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { Config } from '../../kit/config/config.ts';
import type { DecideInput, Envelope, UpdateClaim } from '../../workflows/approvals/contract.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Secrets } from './secrets.ts';

type Macs = Pick<Secrets, 'mac'>;

/** Maximum clock difference between API and engine plus delivery time of an update. */
const lifeMs = 3_600_000;

function macOf({ mac }: Macs, { workflowId, update, updateId, input }: UpdateClaim, at: string): string {
  const { proof: _proof, ...rest } = input as { proof?: unknown };
  // Normalised through JSON, which drops undefined fields.
  const content = canonicalJson(JSON.parse(JSON.stringify(rest)));
  return mac('workflow update', [workflowId, update, updateId, at, content].join('\n'));
}

/** Seals an update for this workflow, id and input, valid for an hour. */
export const sealUpdate = (secrets: Macs, claim: UpdateClaim, now: Date): Envelope => {
  const at = now.toISOString();
  return { at, mac: macOf(secrets, claim, at) };
};

/** Whether an update's envelope was sealed for it; `scheduled` is when its check was scheduled. */
export function isSealed(secrets: Macs, claim: UpdateClaim, scheduled: Date): boolean {
  const { proof } = claim.input as { proof?: Partial<Envelope> | null };
  if (typeof proof?.at !== 'string' || typeof proof.mac !== 'string') return false;
  const isFresh = Math.abs(scheduled.getTime() - Date.parse(proof.at)) <= lifeMs;
  return isFresh && isEqual(proof.mac, macOf(secrets, claim, proof.at));
}

/** The fields of `decide` that a sender signs. */
export type SignedDecision = Pick<DecideInput, 'decision' | 'actor' | 'channel' | 'messageId' | 'planHash'>;

/** Hex HMAC-SHA256 over the lines that name a decision; the key is the text of SLIPWAY_DECIDE_KEY. */
export function signDecision(key: string, workflowId: string, decision: SignedDecision): string {
  const { decision: what, actor, channel, messageId, planHash = '' } = decision;
  return createHmac('sha256', key)
    .update([workflowId, what, actor, channel, messageId, planHash].join('\n'))
    .digest('hex');
}

/** Whether a decision is signed with the key. A line feed in a field would make the lines ambiguous. */
export function isSigned(key: string, workflowId: string, decision: SignedDecision, proof: string): boolean {
  const { actor, channel, messageId, planHash = '' } = decision;
  if ([actor, channel, messageId, planHash].some((field) => field.includes('\n'))) return false;
  return isEqual(proof, signDecision(key, workflowId, decision));
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The key of signed decisions: the variable, or, with the embedded database only, a file made at the first start. */
export function loadDecideKey(config: Pick<Config, 'decideKey' | 'databaseUrl' | 'dataDir'>): string | undefined {
  if (config.decideKey !== undefined) return config.decideKey;
  const generated = join(config.dataDir, 'decide-key');
  if (!existsSync(generated)) {
    if (config.databaseUrl !== undefined) return undefined;
    writeFileAtomic(generated, `${randomBytes(32).toString('hex')}\n`, 0o600);
  }
  return readFileSync(generated, 'utf8').trim();
}
