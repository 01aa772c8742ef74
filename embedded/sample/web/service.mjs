// The sample service: answers its version and its host. Its port is the host's own.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const root = process.env.SLIPWAY_HOST_ROOT ?? '/';
const version = readFileSync(join(import.meta.dirname, 'VERSION'), 'utf8').trim();
const port = Number(readFileSync(join(root, 'etc', 'web-port'), 'utf8'));

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ version, port })}\n`);
});
server.listen(port, '127.0.0.1', () => console.log(`web ${version} listens on ${port}`));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
