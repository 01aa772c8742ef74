/** A JSON answer, ready to be sent and to be stored for a repetition. */
export interface StoredResponse {
  status: number;
  body: unknown;
  headers: Record<string, string>;
  /** Set-Cookie headers. */
  cookies?: readonly string[];
  /** Set when the body is no JSON value but content to be sent as it is. */
  contentType?: string;
}

interface Options {
  status?: number;
  headers?: Record<string, string>;
  cookies?: readonly string[];
}

/** An answer that is not plain JSON with the endpoint's own status: other status, headers, or a stream of other content. */
export class Reply<T = unknown> {
  readonly body: T | ReadableStream<Uint8Array> | Uint8Array | string;
  readonly status: number | undefined;
  readonly headers: Record<string, string>;
  readonly cookies: readonly string[];
  /** Set for content that is sent as it is. */
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

  /** Content that is not JSON; its endpoint says so by `contentType`. */
  static content(
    contentType: string,
    body: ReadableStream<Uint8Array> | Uint8Array | string,
    headers: Record<string, string> = {},
  ): Reply<never> {
    return new Reply<never>(body, { contentType, headers });
  }
}
