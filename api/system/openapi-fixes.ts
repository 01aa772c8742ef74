// Post-processes the OpenAPI document where the generator is incomplete or wrong: request objects get
// `additionalProperties: false` (the kernel rejects unknown fields), numbers get bounds, and patterns lose the flags of
// regular expressions.

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Calls `visit` with every object of a document, including nested ones. */
function walk(value: unknown, visit: (object: Json) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isObject(value)) return;
  visit(value);
  for (const item of Object.values(value)) walk(item, visit);
}

function withoutFlags(schema: Json): void {
  const { pattern } = schema;
  if (typeof pattern === 'string') schema['pattern'] = pattern.replace(/\/[dgimsuvy]+$/, '');
}

// Numbers of the API are integers within the range that JSON readers represent exactly.
function bounded(schema: Json): void {
  if (schema['type'] !== 'integer') return;
  schema['maximum'] ??= Number.MAX_SAFE_INTEGER;
  if (schema['exclusiveMinimum'] === undefined) schema['minimum'] ??= Number.MIN_SAFE_INTEGER;
}

function closed(schema: Json): void {
  if (isObject(schema['properties']) && schema['type'] === 'object') schema['additionalProperties'] ??= false;
}

/** Fixes the document in place. */
export function putRight(document: object): void {
  walk(document, (object) => {
    withoutFlags(object);
    for (const part of [object['requestBody'], object['parameters']]) {
      walk(part, closed);
      walk(part, bounded);
    }
  });
}
