const out = (line: string): void => void process.stdout.write(`${line}\n`);
const strong = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string): string => (process.stdout.isTTY ? `\u001b[2m${text}\u001b[0m` : text);

let steps = 0;

/** Runs a step under its heading; a failure names it. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  steps += 1;
  out(strong(`\n${steps}. ${title}`));
  try {
    return await work();
  } catch (error) {
    throw new Error(`step ${steps} (${title}) failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

export const say = (text: string): void => out(`   ${text}`);

interface Line {
  seq: number;
  host: string;
  step: string;
  stream: string;
  text: string;
}
type Message = Line | { event: 'end'; status: string } | { event: 'partial' | 'heartbeat' };

/** Prints a task's output as it comes; returns the status that it ends with. A missing or repeated line is an error. */
export function printOutput(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    let seq = 0;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if ('event' in message) {
        if (message.event === 'end') resolve(message.status);
      } else if (message.seq !== seq + 1) {
        reject(new Error(`output line ${message.seq} came after ${seq}`));
      } else {
        seq = message.seq;
        say(`${dim(`${message.host} ${message.step.padEnd(9)}`)} ${message.text}`);
      }
    };
    socket.onerror = () => reject(new Error('the live output broke off'));
  });
}
