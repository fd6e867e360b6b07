import { createServer, STATUS_CODES, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface HttpServer extends AsyncDisposable {
  port: number;
}

export interface HttpServerOptions {
  port: number;
  /** Address to listen on; absent: every one. */
  host?: string;
  /** Longest time a client may take to send a request, in milliseconds. */
  requestTimeoutMs: number;
  /** The answer to a request that never becomes one, because Node's parser or its time limits refuse it. */
  refuse?(refusal: Refusal): RefusalAnswer;
}

/** Why a request was refused before any handler saw it. */
export type Refusal = 'malformed' | 'too_late' | 'headers_too_large' | 'chunk_too_large';

export interface RefusalAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Listens, and owns every connection. Disposal drains: no new connections, idle ones are closed at once, the others
 * after the answer that is under way. A connection that has sent nothing yet is closed after SILENT_MS, a request that
 * is still on its way after `requestTimeoutMs`: Node stops enforcing its own limits once a server closes.
 * @throws Error when the address is taken
 */
export async function startHttpServer(handler: RequestListener, options: HttpServerOptions): Promise<HttpServer> {
  const connections = new Map<Socket, Map<ServerResponse, Exchange>>();
  let draining = false;
  const server = createServer({
    requestTimeout: options.requestTimeoutMs,
    headersTimeout: Math.min(10_000, options.requestTimeoutMs),
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16_384,
    // Node's own answers to these have no body.
    requireHostHeader: false,
  });
  server.on('connection', (socket: Socket) => {
    const open = new Map<ServerResponse, Exchange>();
    connections.set(socket, open);
    socket.once('close', () => {
      connections.delete(socket);
      for (const exchange of open.values()) exchange.end();
    });
  });
  const serve: RequestListener = (request, response) => {
    const exchange = beginExchange(response);
    const open = connections.get(request.socket);
    open?.set(response, exchange);
    void exchange.over.then(() => {
      open?.delete(response);
      if (draining) server.closeIdleConnections();
    });
    if (draining) response.setHeader('Connection', 'close');
    handler(request, response);
  };
  server.on('request', serve).on('checkExpectation', serve);
  answerRefusals(server, connections, options);
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port, options.host, resolve),
  );
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      draining = true;
      await drain(server, connections, options.requestTimeoutMs);
    },
  };
}

type Connections = Map<Socket, Map<ServerResponse, Exchange>>;

async function drain(server: Server, connections: Connections, requestTimeoutMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const open of connections.values())
    for (const response of open.keys()) if (!response.headersSent) response.setHeader('Connection', 'close');
  const destroyWhere = (unwanted: (responses: ServerResponse[]) => boolean) => {
    for (const [socket, open] of connections) if (unwanted([...open.keys()])) socket.destroy();
  };
  const timers = [
    setTimeout(() => destroyWhere((responses) => responses.length === 0), SILENT_MS),
    setTimeout(() => destroyWhere((responses) => responses.some(({ req }) => !req.complete)), requestTimeoutMs),
  ];
  await closed;
  timers.forEach(clearTimeout);
}

const SILENT_MS = 1000;

/** One request and its answer. */
interface Exchange {
  /** Aborted when the client leaves before the answer is complete. */
  left: AbortSignal;
  /** Settles once the answer is complete or the client has left. */
  over: Promise<void>;
  end(): void;
}

const exchanges = new WeakMap<ServerResponse, Exchange>();

/**
 * The exchange that `response` answers. It begins with the request: what asks for it late, after the client left, still
 * learns of that, which a listener for `close` would not.
 * @throws Error for a response of another server than startHttpServer's
 */
export function exchangeOf(response: ServerResponse): Pick<Exchange, 'left' | 'over'> {
  const exchange = exchanges.get(response);
  if (!exchange) throw new Error('The response does not belong to a server of startHttpServer.');
  return exchange;
}

function beginExchange(response: ServerResponse): Exchange {
  const leaving = new AbortController();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const end = () => {
    if (!response.writableFinished) leaving.abort();
    resolve();
  };
  response.once('close', end);
  const exchange = { left: leaving.signal, over, end };
  exchanges.set(response, exchange);
  return exchange;
}

function answerRefusals(server: Server, connections: Connections, options: HttpServerOptions): void {
  const refuse = options.refuse ?? plainRefusal;
  const refused = new WeakSet<Socket>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The parser complains of every further chunk.
    if (refused.has(socket)) return;
    refused.add(socket);
    const answers = [...(connections.get(socket)?.keys() ?? [])];
    const begun = answers.some((response) => response.headersSent);
    if (begun || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    socket.end(rawAnswer(refuse(REFUSALS[error.code ?? ''] ?? 'malformed')));
    // Time for the client to read its answer; what it still sends is not read.
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

const LINGER_MS = 500;

const REFUSALS: Record<string, Refusal> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'too_late',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'chunk_too_large',
};

function plainRefusal(refusal: Refusal): RefusalAnswer {
  const status = { malformed: 400, too_late: 408, headers_too_large: 431, chunk_too_large: 413 }[refusal];
  return { status, headers: { 'Content-Type': 'text/plain' }, body: `${STATUS_CODES[status]}\n` };
}

function rawAnswer({ status, headers, body }: RefusalAnswer): string {
  const lines = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`;
}
