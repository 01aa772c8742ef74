import type { ColumnType, Generated } from 'kysely';

interface UsersTable {
  id: Generated<number>;
  username: string;
  name: string;
  email: string;
  phone: Generated<string>;
  status: Generated<'enabled' | 'disabled'>;
  passwordHash: string | null;
  mustChangePassword: Generated<boolean>;
  /** Whether a login needs a code. */
  secondFactor: Generated<boolean>;
  createdTime: Generated<Date>;
  lastLoginTime: Date | null;
}

interface RolesTable {
  id: Generated<number>;
  name: string;
  description: Generated<string>;
  builtin: Generated<boolean>;
  creator: string;
  createdTime: Generated<Date>;
}

interface UserRolesTable {
  userId: number;
  roleId: number;
}

interface SessionsTable {
  id: Generated<number>;
  idHash: Buffer;
  userId: number;
  csrfToken: string;
  remoteAddr: string | null;
  userAgent: string | null;
  createdTime: Generated<Date>;
  lastSeenTime: Generated<Date>;
  expiresTime: Date;
}

interface AuthTokensTable {
  id: Generated<number>;
  userId: number;
  name: string;
  description: Generated<string>;
  valueHash: Buffer;
  lastFour: string;
  createdTime: Generated<Date>;
  lastUsedTime: Date | null;
  expiresTime: Date | null;
}

interface PasswordLinksTable {
  userId: number;
  tokenHash: Buffer;
  kind: 'reset' | 'invitation';
  /** To which it was mailed. */
  email: string;
  createdTime: Generated<Date>;
  expiresTime: Date;
}

interface EmailChangesTable {
  userId: number;
  /** The new address. */
  email: string;
  /** Null until the mail is sent. */
  tokenHash: Buffer | null;
  createdTime: Generated<Date>;
  expiresTime: Date;
}

interface SecondFactorsTable {
  userId: number;
  /** A sealed envelope. */
  secret: ColumnType<unknown, string, string>;
  createdTime: Date;
  confirmedTime: Date | null;
  lastStep: Generated<number>;
}

interface RecoveryCodesTable {
  userId: number;
  codeHash: Buffer;
}

interface PendingLoginsTable {
  ticketHash: Buffer;
  userId: number;
  expiresTime: Date;
}

/** How far what is kept for a time may be removed for now. */
interface DeletionWindowsTable {
  kind: string;
  takenTime: Date;
  until: Date;
}

interface RateEventsTable {
  key: string;
  time: Generated<Date>;
}

interface GrantsTable {
  id: Generated<number>;
  userId: number | null;
  roleId: number | null;
  scope: 'application' | 'host' | 'system';
  objectId: Generated<number>;
  permission: string;
}

/** Users and their rights. */
export interface AccessTables {
  users: UsersTable;
  roles: RolesTable;
  userRoles: UserRolesTable;
  sessions: SessionsTable;
  authTokens: AuthTokensTable;
  passwordLinks: PasswordLinksTable;
  emailChanges: EmailChangesTable;
  secondFactors: SecondFactorsTable;
  recoveryCodes: RecoveryCodesTable;
  pendingLogins: PendingLoginsTable;
  rateEvents: RateEventsTable;
  deletionWindows: DeletionWindowsTable;
  grants: GrantsTable;
}
