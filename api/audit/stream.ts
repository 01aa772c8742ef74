import type { WarningLog } from '../../db/core/connect.ts';

const encoder = new TextEncoder();
// Shorter than what the database allows a transaction to stand still (db/core/connect.ts).
const stalledAfterMs = 50_000;

/**
 * The texts as a stream that is read no faster than its reader takes it. `end` is called once, when all is read, when the
 * reader goes away or stands still for 50 s, or when reading fails.
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
          // The server may write this text to the reader.
          controller.error(new Error('the stream broke off'));
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
