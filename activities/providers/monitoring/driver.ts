// The monitoring interface. Hosts are identified by their inventory name, maintenance periods by Slipway's own key, which
// makes the calls idempotent.

export interface MonitoredHost {
  /** The host's name in the inventory. */
  name: string;
  /** The first is monitored; empty: the name is used. */
  addresses: readonly string[];
}

/** Absent lists leave the present ones unchanged. */
export interface MonitoringOptions {
  groups?: readonly string[] | undefined;
  templates?: readonly string[] | undefined;
}

/** Groups and templates confirmed by the system. */
export interface Monitored {
  groups: string[];
  templates: string[];
}

/** A template or group does not exist; nothing was changed. Callers map it to the documented code. */
export class UnknownTemplateError extends Error {
  readonly kind: 'template' | 'group';
  readonly missing: string;

  constructor(kind: 'template' | 'group', missing: string) {
    super(`the ${kind} "${missing}" does not exist`);
    this.name = 'UnknownTemplateError';
    this.kind = kind;
    this.missing = missing;
  }
}

/** Every method throws ProviderError or UnknownTemplateError only, without secrets. All are idempotent. */
export interface Monitoring {
  /** For messages: "Zabbix". */
  readonly name: string;
  /**
   * Creates the host or sets its groups and templates, after checking all names; re-enables a disabled host. No template:
   * all are removed; no group: the default one.
   */
  ensureHost(host: MonitoredHost, options: MonitoringOptions): Promise<Monitored>;
  /**
   * Puts the known hosts in maintenance until then; the same key extends the period, never shortens it. Returns the unknown
   * names. A key has at most 100 characters.
   */
  beginMaintenance(input: { key: string; reason: string; hosts: readonly string[]; until: Date }): Promise<string[]>;
  /** Ends the period; no effect when it does not exist. */
  endMaintenance(key: string): Promise<void>;
  /** Removes Slipway's periods that ended before then, at most 200 at a time; returns their number. */
  removeExpired(before: Date): Promise<number>;
  /** Disables a host, keeping its history; no effect when it does not exist. */
  disableHost(name: string): Promise<void>;
  /** Open problems by host name, including those hidden by maintenance; only hosts that have some. */
  openProblems(hosts: readonly string[]): Promise<Map<string, string[]>>;
}
