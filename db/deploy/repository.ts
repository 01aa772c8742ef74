/** A credential as it is stored with a repository: by id, or an inline one whose secret is sealed; null: anonymous. */
export type StoredCredential =
  null | { id: number } | { type: 'PASSWORD' | 'SSH_PRIVATE_KEY'; username: string; secret: object };

/** The repository of deploy settings or of a template, as it is stored. */
export interface StoredRepository {
  type: 'FTP' | 'GIT';
  url: string;
  /** Of GIT only. */
  branch?: string;
  /** Of the names of files, FTP only; left out: UTF-8. */
  encoding?: 'gbk';
  credential: StoredCredential;
}

/** The purposes under which inline secrets are sealed: those of an application's own settings, and of a template. */
export const inlinePurpose = {
  settings: (applicationId: number): string => `deploy_settings/repository/${applicationId}`,
  template: (templateId: number): string => `deploy_templates/repository/${templateId}`,
} as const;
