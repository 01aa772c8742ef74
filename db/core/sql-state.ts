// Classifies PostgreSQL errors by SQLSTATE in one table: whether a retry may succeed, and what the caller is told. Classes
// are those of appendix A of PostgreSQL's manual; a specific code precedes its class. Unlisted codes (extensions, newer
// versions) count as transient: a wrong guess then costs a step's time limit, whereas the opposite guess would fail a step
// that could have succeeded.
import { codeOf } from '../../kit/error-code.ts';

/**
 * `unreachable`: the connection is lost or unavailable; during a commit the outcome is unknown. `unable`: the server
 * responds but cannot do it now. `again`: a conflict with other transactions. `final`: every retry is rejected.
 */
type Standing = 'unreachable' | 'unable' | 'again' | 'final';

const standings: Readonly<Record<string, Standing>> = {
  '03': 'final',
  '08': 'unreachable',
  '08P01': 'final',
  '09': 'final',
  // Raised for a statement prepared before a migration; the next one is prepared again.
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
  // Of class 25 those ended by the server, following another error, or sent to a standby.
  '25': 'final',
  '25006': 'unable',
  '25P02': 'unable',
  '25P03': 'unreachable',
  '25P04': 'unreachable',
  // A prepared statement that another connection behind a pooler does not know.
  '26': 'unable',
  '27': 'final',
  // A password change or a database restore in progress: the request itself is valid.
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
  // An internal error is usually a race with another session; retries do not repair corrupted data.
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

/** Classifies an error of the database or its driver; undefined for codes outside the table and other errors. */
export function standingOf(error: unknown): Standing | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  if (network.has(code) || lostConnection.test(error.message)) return 'unreachable';
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return standings[code] ?? standings[code.slice(0, 2)];
}

/** Whether the connection is lost or unavailable. */
export const isUnreachable = (error: unknown): boolean => standingOf(error) === 'unreachable';

/** Whether the database can't be reached or can't serve; trying again later may help. */
export const isUnavailable = (error: unknown): boolean => ['unreachable', 'unable'].includes(standingOf(error) ?? '');

/** Whether every retry will be rejected too. */
export const isRefusedForGood = (error: unknown): boolean => standingOf(error) === 'final';

/** Whether a lock timeout occurred. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03';

/** Whether a foreign key was violated: the referenced row is missing, or the row is still referenced. */
export const isForeignKeyViolation = (error: unknown): boolean => codeOf(error) === '23503';
