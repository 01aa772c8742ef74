/** A JSON response, ready to be sent and to be stored for repeated requests. */
export interface StoredResponse {
  status: number;
  body: unknown;
  headers: Record<string, string>;
  /** Set-Cookie headers. */
  cookies?: readonly string[];
  /** Set if the body is not a JSON value but content to be sent verbatim. */
  contentType?: string;
}

interface Options {
  status?: number;
  headers?: Record<string, string>;
  cookies?: readonly string[];
}

/** A response other than plain JSON with the endpoint's own status: other status, headers, or a stream of content. */
export class Reply<T = unknown> {
  readonly body: T | ReadableStream<Uint8Array> | Uint8Array | string;
  readonly status: number | undefined;
  readonly headers: Record<string, string>;
  readonly cookies: readonly string[];
  /** Set for content that is sent verbatim. */
  readonly contentType: string | undefined;

  private constructor(
    body: T | ReadableStream<Uint8Array> | Uint8Array | string,
    options: Options & { contentType?: string },
  ) {
    this.body = body;
    this.status = options.status;
    this.headers = options.headers ?? {};
    this.cookies = options.cookies ?? [];
    this.contentType = options.contentType;
  }

  /** JSON with another status, with headers or cookies. */
  static json<T>(body: T, options: Options = {}): Reply<T> {
    return new Reply(body, options);
  }

  /** Content that is not JSON; its endpoint declares it with `contentType`. */
  static content(
    contentType: string,
    body: ReadableStream<Uint8Array> | Uint8Array | string,
    headers: Record<string, string> = {},
  ): Reply<never> {
    return new Reply<never>(body, { contentType, headers });
  }
}
