// What the library that writes the OpenAPI document leaves out or gets wrong, put right in the document: objects of requests
// take no other fields than theirs (the kernel refuses unknown ones), their
// numbers have bounds, and patterns lose the flags of regular expressions.

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Calls `visit` with every object of a document, inner ones included. */
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

// Numbers of the API are whole up to what JSON readers hold exactly.
function bounded(schema: Json): void {
  if (schema['type'] !== 'integer') return;
  schema['maximum'] ??= Number.MAX_SAFE_INTEGER;
  if (schema['exclusiveMinimum'] === undefined) schema['minimum'] ??= Number.MIN_SAFE_INTEGER;
}

function closed(schema: Json): void {
  if (isObject(schema['properties']) && schema['type'] === 'object') schema['additionalProperties'] ??= false;
}

/** Puts the document right, in place. */
export function putRight(document: object): void {
  walk(document, (object) => {
    withoutFlags(object);
    for (const part of [object['requestBody'], object['parameters']]) {
      walk(part, closed);
      walk(part, bounded);
    }
  });
}
