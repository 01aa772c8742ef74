import { Problem, invalidField } from '../../workflows/problems/problem.ts';
import { parseJson } from './json-body.ts';
import { msg } from '../../kit/messages/message.ts';

/** Maximum bytes of a request body. */
const bodyLimit = 1024 * 1024;

const tooLarge = () => new Problem('too_large', { limit: bodyLimit });

/** Reads a body; throws `too_large` as soon as the announced or received bytes exceed the limit. */
export async function readBody(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > bodyLimit) throw tooLarge();
  // Reading the body of a request that cannot have one costs as much as routing it.
  const bodiless = request.method === 'GET' || request.method === 'HEAD';
  if (bodiless || !request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > bodyLimit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A parsed body, or the problem with it, which is only reported to callers who may call the operation. */
export type Body = { value: unknown } | { problem: Problem };

/** Parses a body; an empty one is `undefined`. */
export function parseBody(bytes: Uint8Array, contentType: string | null): Body {
  if (bytes.byteLength === 0) return { value: undefined };
  const [mediaType = ''] = (contentType ?? '').toLowerCase().split(';');
  if (mediaType.trim() !== 'application/json') return { problem: new Problem('not_json') };
  try {
    return { value: parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    return { problem: error instanceof Problem ? error : invalidField('', msg('is_not_utf_8')) };
  }
}
