import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** One HTTP request, its body whole. */
export interface Call {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** How a client behaves. `share` is the part of the body after which it stalls or leaves; 1: once it is sent. */
export type Manner =
  | { kind: 'plain' }
  | { kind: 'stall'; share: number; ms: number }
  | { kind: 'drop'; share: number; ms: number };

/** An answer. */
export interface Answer {
  /** 0: there was none. */
  status: number;
  body: Body;
  /** Why there was none, and whether the client left by itself. */
  lost?: { reason: string; byChoice: boolean };
}

/** The fields of all answers; which are there depends on the call. */
export interface Body {
  code: string;
  faces_detected: number;
  embeddings_removed: number;
  indexed: boolean;
  photo_count: number;
  face_count: number;
  matches: { photo_id: string; similarity: number }[];
  errors: { photo_id: string; code: string }[];
}

/** Longer than every time limit of the service together. */
const PATIENCE_MS = 180_000;
const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: PATIENCE_MS });

/** Sends a call to a port of this machine, in a client's manner. Never throws. */
export async function send(port: number, call: Call, manner: Manner): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const headers = { ...call.headers, 'Content-Length': call.body.length };
  const request = httpRequest({ host: '127.0.0.1', port, method: call.method, path: call.path, headers, agent });
  let left = false;
  const lose = (reason: string) => resolve({ status: 0, body: {} as Body, lost: { reason, byChoice: left } });
  request.on('error', (error: NodeJS.ErrnoException) => lose(error.code ?? error.message));
  request.setTimeout(PATIENCE_MS, () => request.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', (error: NodeJS.ErrnoException) => lose(error.code ?? error.message));
    response.on('end', () => resolve({ status: response.statusCode!, body: bodyOf(Buffer.concat(chunks)) }));
  });
  if (manner.kind === 'plain') {
    request.end(call.body);
    return promise;
  }
  const first = Math.floor(call.body.length * manner.share);
  request.write(call.body.subarray(0, first));
  await delay(manner.ms);
  if (manner.kind === 'stall') request.end(call.body.subarray(first));
  else {
    left = true;
    if (manner.share === 1) request.end();
    request.destroy(new Error('the client left'));
  }
  return promise;
}

/** Closes the connections that are kept. */
export function closeConnections(): void {
  agent.destroy();
}

/** Fields and at most one image as multipart/form-data. */
export function formCall(
  path: string,
  fields: Record<string, string>,
  image: Buffer,
  headers: Record<string, string> = {},
): Call {
  const part = (head: string, value: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]);
  const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value));
  const body = Buffer.concat([...parts, part('name="image"; filename="photo.jpg"', image), Buffer.from('--b--\r\n')]);
  return { method: 'POST', path, headers: { 'Content-Type': 'multipart/form-data; boundary=b', ...headers }, body };
}

export function jsonCall(method: string, path: string, json: unknown, headers: Record<string, string> = {}): Call {
  const body = json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json));
  return {
    method,
    path,
    headers: { ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    body,
  };
}

function bodyOf(bytes: Buffer): Body {
  try {
    return JSON.parse(bytes.toString()) as Body;
  } catch {
    return { code: `no JSON: ${bytes.toString()}` } as Body;
  }
}
