import { pino, type DestinationStream, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Config } from './config/config.ts';
import { redacted, redactedFields, withoutCredentials } from './redact.ts';

export type { Logger } from 'pino';

/**
 * The logger of a process: JSON lines on standard output, or readable text when that is a terminal. Secrets are redacted
 * by field name. The stream is synchronous, so that the last line before a crash is there.
 */
export function createLogger(config: Pick<Config, 'logLevel'>, role: string, destination?: DestinationStream): Logger {
  surviveBrokenOutput();
  const logger = pino(
    {
      level: config.logLevel,
      base: { role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactedFields },
      serializers: { err: redacted },
      hooks: {
        logMethod(args, method) {
          method.apply(this, safeArguments(args) as typeof args);
        },
      },
    },
    destination ?? (process.stdout.isTTY ? pretty() : outlivingDisk(pino.destination({ fd: 1, sync: true }))),
  );
  return withRedactedChildren(logger);
}

// A line that can't be written (full disk, reader gone) is lost, but the process continues: its work matters more than its
// log.
const ignoreBrokenOutput = (): void => undefined;

function surviveBrokenOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    if (!stream.listeners('error').some(({ name }) => name === ignoreBrokenOutput.name))
      stream.on('error', ignoreBrokenOutput);
}

function outlivingDisk(stream: ReturnType<typeof pino.destination>): DestinationStream {
  stream.on('error', ignoreBrokenOutput);
  return {
    write: (line) => {
      try {
        stream.write(line);
      } catch {
        // Synchronous streams throw where others tell an error.
      }
    },
  };
}

function safeArguments(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args;
  // Pino would take the message of a lone error as it is.
  if (first instanceof Error && rest.length === 0) return [{ err: first }, withoutCredentials(first.message)];
  return args.map((arg) => (typeof arg === 'string' ? withoutCredentials(arg) : arg));
}

// Pino does not format the fields of child loggers; children inherit this method, so theirs are covered too.
function withRedactedChildren(logger: Logger): Logger {
  const child = Reflect.get<Logger, 'child'>(logger, 'child');
  logger.child = function (this: Logger, bindings, options) {
    return child.call(this, redactedFields(bindings), options);
  } as typeof child;
  return logger;
}

function pretty(): DestinationStream {
  return PinoPretty({
    sync: true,
    singleLine: true,
    ignore: 'pid,hostname,role',
    translateTime: 'SYS:HH:MM:ss',
    messageFormat: '{role}: {msg}',
  });
}
