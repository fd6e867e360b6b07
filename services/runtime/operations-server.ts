import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { exposition, type MetricsRegistry } from './exposition.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';

/** `null` when the process can take work, else a short reason. */
export type ReadinessCheck = () => Promise<string | null> | string | null;

/**
 * /metrics, /livez and /readyz on a port of their own, so that a probe never queues behind a photo and the route to
 * the outside cannot expose them.
 */
export function startOperationsServer(options: {
  port: number;
  /** Address to listen on; absent: every one. */
  host?: string;
  registry: MetricsRegistry;
  ready: ReadinessCheck;
}): Promise<HttpServer> {
  const { registry, ready } = options;
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
  const handler: RequestListener = (request, response) => void answer(request, response);
  return startHttpServer(handler, { port: options.port, host: options.host, requestTimeoutMs: 10_000 });
}
