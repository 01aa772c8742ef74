import { defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributePair } from '@temporalio/common';

const keys = {
  kind: defineSearchAttributeKey('SlipwayKind', 'KEYWORD'),
  status: defineSearchAttributeKey('SlipwayStatus', 'KEYWORD'),
  application: defineSearchAttributeKey('SlipwayApplication', 'KEYWORD'),
  creator: defineSearchAttributeKey('SlipwayCreator', 'KEYWORD'),
  level: defineSearchAttributeKey('SlipwayLevel', 'KEYWORD'),
};

/** Their names in the engine, all of type Keyword. */
export const searchAttributeNames = Object.values(keys).map(({ name }) => name);

/** Filters of the Temporal UI; `status` is the request's or task's own, not the workflow's. */
export type Attributes = Partial<Record<keyof typeof keys, string>>;

/** Search attributes in the engine's form; absent ones are unchanged. */
export const searchAttributes = (attributes: Attributes): SearchAttributePair[] =>
  (Object.keys(keys) as (keyof typeof keys)[]).flatMap((name) => {
    const value = attributes[name];
    return value === undefined ? [] : [{ key: keys[name], value }];
  });
