import type { Generated, Selectable } from 'kysely';

interface ExternalNavigatorsTable {
  id: Generated<number>;
  name: string;
  img: string;
  url: string;
  position: Generated<number>;
  creator: string;
  createdTime: Generated<Date>;
}

/** Links to other systems. */
export interface NavigatorTables {
  externalNavigators: ExternalNavigatorsTable;
}

export type NavigatorRow = Selectable<ExternalNavigatorsTable>;
