// Walks a body along its schema before validation: renames aliases to canonical names and finds fields that the schema does
// not know. Done here, so that every object of every schema is strict without declaring it.
import { z } from 'zod';
import { canonicalNames } from './aliases.ts';
import type { Details } from './problem-details.ts';
import { msg } from '../../kit/messages/message.ts';

interface Walk {
  /** The endpoint's canonical path. */
  path: string;
  details: Details;
}

/** Returns the value with canonical field names; unknown and repeated fields are added to `details`. */
export function shaped(value: unknown, schema: z.ZodType, walk: Walk, at: readonly (string | number)[] = []): unknown {
  const options = optionsOf(schema);
  if (Array.isArray(value)) {
    const element = options.find((option) => option instanceof z.ZodArray)?.element;
    return element ? value.map((item, index) => shaped(item, element as z.ZodType, walk, [...at, index])) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const objects = options.filter((option) => option instanceof z.ZodObject);
  if (objects.length > 0) return shapedObject(value, objects, walk, at);
  const record = options.find((option) => option instanceof z.ZodRecord);
  if (!record) return value;
  return mapEntries(value, ([key, item]) => [key, shaped(item, record.valueType as z.ZodType, walk, [...at, key])]);
}

function shapedObject(value: object, objects: z.ZodObject[], walk: Walk, at: readonly (string | number)[]): unknown {
  const open = objects.some((object) => object.def.catchall && !(object.def.catchall instanceof z.ZodNever));
  const fields = new Map<string, z.ZodType[]>();
  for (const object of objects)
    for (const [name, field] of Object.entries(object.shape))
      fields.set(name, [...(fields.get(name) ?? []), field as z.ZodType]);
  return mapEntries(value, ([key, item]) => {
    const name = fields.has(key) ? key : (canonicalNames(key, walk.path).find((one) => fields.has(one)) ?? key);
    const field = [...at, key].join('.');
    const schemas = fields.get(name);
    if (name !== key && Object.hasOwn(value, name))
      walk.details.add({ field, message: msg('is_given_as_too', { name }) });
    if (!schemas && !open) walk.details.add({ field, message: msg('unknown_field') });
    const [first, ...others] = schemas ?? [];
    if (!first) return [key, item];
    return [name, shaped(item, others.length > 0 ? z.union([first, ...others]) : first, walk, [...at, name])];
  });
}

function mapEntries(value: object, map: (entry: [string, unknown]) => [string, unknown]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(map));
}

/** The schemas inside wrappers and unions. */
function optionsOf(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion) return (schema.options as z.ZodType[]).flatMap(optionsOf);
  if (schema instanceof z.ZodPipe) return optionsOf(schema.in as z.ZodType);
  if (schema instanceof z.ZodLazy) return optionsOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodIntersection)
    return [...optionsOf(schema.def.left as z.ZodType), ...optionsOf(schema.def.right as z.ZodType)];
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNonOptional
  )
    return optionsOf(schema.unwrap() as z.ZodType);
  return [schema];
}
