// What an error of PostgreSQL means for who met it, by its SQLSTATE, in one table: whether the same statement may do better
// later, and what a caller is told. Classes are those of appendix A of PostgreSQL's manual; a code of its own goes before its
// class. A code that is not in the table (of an extension, of a newer version) is taken for passing: a step is then bounded by
// its own time, and a wrong guess costs that time, where the other way round it would fail what was about to work.
import { codeOf } from '../../kit/error-code.ts';

/**
 * `unreachable`: the connection is lost or not to be had; over a commit nobody knows its outcome. `unable`: it answers and
 * can't do it now. `again`: others were in the way. `final`: it will be refused as often as it is sent.
 */
export type Standing = 'unreachable' | 'unable' | 'again' | 'final';

const standings: Readonly<Record<string, Standing>> = {
  '03': 'final',
  '08': 'unreachable',
  '08P01': 'final',
  '09': 'final',
  // Raised for a statement that a connection keeps from before a migration; the next one is made anew.
  '0A': 'unable',
  '0B': 'final',
  '0F': 'final',
  '0L': 'final',
  '0P': 'final',
  '0Z': 'final',
  '10': 'final',
  '20': 'final',
  '21': 'final',
  '22': 'final',
  '23': 'final',
  '24': 'final',
  // Of transactions those that the server has ended, that only came after another error, or that met a standby.
  '25': 'final',
  '25006': 'unable',
  '25P02': 'unable',
  '25P03': 'unreachable',
  '25P04': 'unreachable',
  // A kept statement that a pooler's other connection does not know.
  '26': 'unable',
  '27': 'final',
  // A password that is being changed, a database that is being restored: nothing is wrong with what was asked.
  '28': 'unreachable',
  '3D': 'unreachable',
  '2B': 'final',
  '2D': 'final',
  '2F': 'final',
  '34': 'final',
  '38': 'final',
  '39': 'final',
  '3B': 'final',
  '3F': 'final',
  '40': 'again',
  '42': 'final',
  '44': 'final',
  '53': 'unable',
  '53300': 'unreachable',
  '54': 'final',
  '55': 'final',
  '55000': 'again',
  '55006': 'again',
  '55P03': 'again',
  '57': 'unreachable',
  '57000': 'unable',
  '57014': 'unable',
  '58': 'unable',
  // An internal error is as a rule a race with another session; damaged data no repetition repairs.
  F0: 'unable',
  HV: 'final',
  P0: 'final',
  XX: 'unable',
  XX001: 'final',
  XX002: 'final',
};

const network = new Set<unknown>(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EPIPE']);
const lostConnection =
  /^(Connection terminated|Query read timeout|timeout expired|timeout exceeded when trying to connect|Client has encountered)/;

/** What an error of the database or its driver means; undefined of one that the table does not know, or of another kind. */
export function standingOf(error: unknown): Standing | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  if (network.has(code) || lostConnection.test(error.message)) return 'unreachable';
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return standings[code] ?? standings[code.slice(0, 2)];
}

/** Whether the connection is lost, or there is none to be had. */
export const isUnreachable = (error: unknown): boolean => standingOf(error) === 'unreachable';

/** Whether the database can't be reached or can't serve; trying again later may help. */
export const isUnavailable = (error: unknown): boolean => ['unreachable', 'unable'].includes(standingOf(error) ?? '');

/** Whether the database will refuse the same as often as it is sent. */
export const isRefusedForGood = (error: unknown): boolean => standingOf(error) === 'final';

/** Whether a lock was not to be had in time. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03';

/** Whether PostgreSQL refused a row that refers to one that is not there, or is referred to. */
export const isForeignKeyViolation = (error: unknown): boolean => codeOf(error) === '23503';
