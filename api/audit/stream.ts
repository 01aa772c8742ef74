import type { WarningLog } from '../../db/core/connect.ts';

const encoder = new TextEncoder();
// Shorter than the database's idle-in-transaction timeout (db/core/connect.ts).
const stalledAfterMs = 50_000;

/**
 * Streams the texts with back-pressure. `end` is called once: when all is read, when the reader disconnects or stalls for
 * 50 s, or when reading fails.
 */
export function textStream(
  texts: AsyncGenerator<string, void>,
  { end, log }: { end(): Promise<void>; log: WarningLog },
): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  let ended: Promise<void> | undefined;
  const close = (): Promise<void> => {
    clearTimeout(timer);
    ended ??= end().catch((error: unknown) => log.warn({ err: error }, 'what a stream read from could not be closed'));
    return ended;
  };
  const wait = (controller: ReadableStreamDefaultController): void => {
    timer = setTimeout(() => {
      void close();
      controller.error(new Error('the reader stood still'));
    }, stalledAfterMs);
    timer.unref();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: wait,
      async pull(controller) {
        clearTimeout(timer);
        try {
          const next = await texts.next();
          if (ended) return;
          if (next.done) {
            await close();
            controller.close();
          } else {
            controller.enqueue(encoder.encode(next.value));
            wait(controller);
          }
        } catch (error) {
          log.warn({ err: error }, 'a stream broke off');
          await close();
          // The server may send this text to the reader.
          controller.error(new Error('the stream broke off'));
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
