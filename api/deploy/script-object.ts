import { z } from 'zod';
import type { DeployScriptRow } from '../../db/deploy/tables.ts';
import { textChanges } from '../../kit/script-text.ts';
import { scriptLanguages } from '../../workflows/deploy/contract.ts';
import { iso, time } from '../operations/schemas.ts';

export const scriptObject = z.object({
  id: z.int(),
  name: z.string(),
  creator: z.string(),
  language: z.enum(scriptLanguages),
  content: z.string(),
  template_engine: z.string(),
  created_time: time,
  update_time: time,
});

/** The response to writing a script: `normalized` lists the characters removed from the text. */
export const savedScript = scriptObject.extend({
  normalized: z.array(z.enum(textChanges)).optional().meta({
    description: 'What was removed from `content`: a byte order mark, carriage returns. Absent if nothing was.',
  }),
});

/** A script in API form. */
export const presentScript = (row: DeployScriptRow): z.input<typeof scriptObject> => ({
  id: row.id,
  name: row.name,
  creator: row.creator,
  language: row.language,
  content: row.content,
  template_engine: row.templateEngine,
  created_time: iso(row.createdTime),
  update_time: iso(row.updateTime),
});
