// What Slipway needs of a monitoring system. Hosts are known to it by their name in the inventory; maintenance periods
// by a key of Slipway's own, so that a repeated call finds what the first one made.

export interface MonitoredHost {
  /** The host's name in the inventory. */
  name: string;
  /** First one is the one that is asked; empty: it is asked by its name. */
  addresses: readonly string[];
}

/** Lists that are left out stay as they are. */
export interface MonitoringOptions {
  groups?: readonly string[] | undefined;
  templates?: readonly string[] | undefined;
}

/** What the system has confirmed. */
export interface Monitored {
  groups: string[];
  templates: string[];
}

/** A name that does not exist: nothing was changed. Callers turn it into the documented code. */
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

/** Every method throws ProviderError or UnknownTemplateError only; no secret in it. Each may be repeated without harm. */
export interface Monitoring {
  /** For messages: "Zabbix". */
  readonly name: string;
  /**
   * Creates the host or brings it to these groups and templates, all names checked before anything changes; one that was
   * disabled is monitored again. No template: all are taken off; no group: the default one.
   */
  ensureHost(host: MonitoredHost, options: MonitoringOptions): Promise<Monitored>;
  /**
   * Puts hosts (those that it knows) in maintenance until then; the same key again extends it, never shortens it. Answers
   * the names it does not know. A key has at most 100 characters.
   */
  beginMaintenance(input: { key: string; reason: string; hosts: readonly string[]; until: Date }): Promise<string[]>;
  /** Ends it; harmless when there is none. */
  endMaintenance(key: string): Promise<void>;
  /** Removes periods of Slipway that ended before then, at most 200 at a time; answers how many. */
  removeExpired(before: Date): Promise<number>;
  /** Takes a host out of monitoring, its history kept; harmless when it is not there. */
  disableHost(name: string): Promise<void>;
  /** Open problems by host name, those that a maintenance period hides included; only hosts that have some. */
  openProblems(hosts: readonly string[]): Promise<Map<string, string[]>>;
}
