// Prints the input of the signal `decide`, signed, for operators and bots:
//   npm run sign-decision -- approve 42 --as li [--plan-hash …] [--reason …] [--channel cli] [--message-id …]
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadDecideKey, signDecision } from '../db/secrets/message-proofs.ts';
import { configFromEnvironment } from '../kit/config/config.ts';
import type { Config } from '../kit/config/config.ts';
import { decisions } from '../workflows/approvals/contract.ts';
import { deployTaskWorkflowId } from '../workflows/deploy/contract.ts';

const usage =
  'usage: npm run sign-decision -- approve|reject|close <task id> --as <username> [--plan-hash <hash>] [--reason <text>] ' +
  '[--channel <name>] [--message-id <id>]';

/** The signal's input as JSON; throws with the usage, or when the key is missing. */
export function signedInput(args: string[], config: Pick<Config, 'decideKey' | 'databaseUrl' | 'dataDir'>): string {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { as: text, reason: text, channel: text, 'plan-hash': text, 'message-id': text },
  });
  const [given, id] = positionals;
  const decision = decisions.find((one) => one === given);
  if (!decision || !/^\d+$/.test(id ?? '') || values.as === undefined) throw new Error(usage);
  const key = loadDecideKey(config);
  if (key === undefined) throw new Error('SLIPWAY_DECIDE_KEY is not set: decisions cannot be signed');
  const planHash = values['plan-hash'];
  const message = {
    decision,
    actor: values.as,
    channel: values.channel ?? 'cli',
    messageId: values['message-id'] ?? randomUUID(),
    ...(planHash !== undefined && { planHash }),
  };
  const proof = signDecision(key, deployTaskWorkflowId(Number(id)), message);
  return JSON.stringify({ ...message, ...(values.reason !== undefined && { reason: values.reason }), proof });
}

if (import.meta.main) {
  try {
    process.stdout.write(`${signedInput(process.argv.slice(2), configFromEnvironment())}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
