import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exposition, type MetricsRegistry } from './exposition.ts';

export interface OperationsServer extends AsyncDisposable {
  port: number;
}

/** `null` when the process can take work, else a short reason. */
export type ReadinessCheck = () => Promise<string | null> | string | null;

/**
 * /metrics, /livez and /readyz on a port of their own, so that a probe never queues behind a photo and the route to
 * the outside cannot expose them.
 */
export async function startOperationsServer(options: {
  port: number;
  /** Address to listen on; absent: every one. */
  host?: string;
  registry: MetricsRegistry;
  ready: ReadinessCheck;
}): Promise<OperationsServer> {
  const { registry, ready } = options;
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/livez') return void response.end('ok\n');
    if (path === '/readyz') {
      const reason = await Promise.resolve(ready()).catch((error: Error) => error.message);
      response.statusCode = reason === null ? 200 : 503;
      return void response.end(`${reason ?? 'ok'}\n`);
    }
    if (path === '/metrics') {
      const { contentType, body } = await exposition(registry, request.headers.accept);
      return void response.setHeader('Content-Type', contentType).end(body);
    }
    response.statusCode = 404;
    response.end('not found\n');
  };
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port, options.host, resolve),
  );
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
