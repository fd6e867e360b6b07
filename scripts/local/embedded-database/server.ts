import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { FrontendMessages, type FrontendUnit } from './frontend-messages.ts';

/** The part of PGlite that the server needs. */
export interface Backend {
  execProtocolRawStream(messages: Uint8Array, options: { onRawData: (bytes: Uint8Array) => void }): Promise<void>;
  isInTransaction(): boolean;
}

/**
 * Serves one PostgreSQL backend to several clients on a UNIX socket. A client has the backend from the first message of
 * a statement until the transaction ends; the others wait. Session state (SET, prepared statements with names, session
 * advisory locks) is the backend's, hence shared, and is discarded when the last client leaves.
 *
 * PGLiteSocketServer 0.2.17 queues single protocol messages: with four clients one query in 240 failed with "bind
 * message supplies 2 parameters, but prepared statement requires 1", because another client's Parse came between Parse
 * and Bind.
 */
export async function serveDatabase(backend: Backend, socketPath: string): Promise<AsyncDisposable> {
  const turns = new Turns();
  const clients = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const served = serveClient(socket, backend, turns).then(async () => {
      clients.delete(socket);
      if (clients.size === 0) await turns.with(() => execute(backend, 'discard all'));
    });
    clients.set(socket, served);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of clients.keys()) socket.destroy();
      await Promise.all([closed, ...clients.values()]);
    },
  };
}

async function serveClient(socket: Socket, backend: Backend, turns: Turns): Promise<void> {
  let endTurn: (() => void) | null = null;
  for await (const unit of unitsFrom(socket)) {
    endTurn ??= await turns.next();
    await backend.execProtocolRawStream(unit.bytes, {
      onRawData: (answer) => socket.writable && socket.write(Buffer.from(answer)),
    });
    if (!unit.endsTurn || backend.isInTransaction()) continue;
    endTurn();
    endTurn = null;
  }
  if (endTurn) await execute(backend, 'rollback').finally(endTurn);
}

/** What the client wants executed, until it leaves, breaks off, or sends what is not the protocol. */
async function* unitsFrom(socket: Socket): AsyncGenerator<Extract<FrontendUnit, { kind: 'messages' }>> {
  const messages = new FrontendMessages();
  try {
    for await (const bytes of socket) {
      for (const unit of messages.take(bytes as Buffer)) {
        if (unit.kind === 'terminate') return;
        if (unit.kind === 'messages') yield unit;
        else socket.write('N');
      }
    }
  } catch {
    return;
  } finally {
    socket.destroy();
  }
}

async function execute(backend: Backend, sql: string): Promise<void> {
  const text = Buffer.from(`${sql}\0`);
  const message = Buffer.alloc(5);
  message.write('Q');
  message.writeInt32BE(4 + text.length, 1);
  await backend.execProtocolRawStream(Buffer.concat([message, text]), { onRawData: () => undefined });
}

/** One turn at a time, in the order they were asked for. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the turn; the function given ends it. */
  async next(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return resolve;
  }

  async with(work: () => Promise<void>): Promise<void> {
    const endTurn = await this.next();
    await work().finally(endTurn);
  }
}
