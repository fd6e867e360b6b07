import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with an object: for each of its requests in turn; then it is served. */
export type Fault =
  | 'stall head'
  | 'stall body'
  | 'slow body'
  | 'cut body'
  | 'busy'
  | 'internal'
  | 'denied'
  | `refused ${number} ${string}`
  | 'reset'
  | 'endless'
  | 'undeclared endless';

export interface S3Server extends AsyncDisposable {
  endpoint: string;
  /** Objects by path, as `/bucket/key`. */
  objects: Map<string, Buffer>;
  faults: Map<string, Fault[]>;
  /** Method and raw path of every request so far. */
  requests: { method: string; url: string }[];
  /** Id of the access key that is let in. */
  keyId: string;
  /** Sockets that are open now. */
  connections(): Promise<number>;
}

/** GetObject and ListObjectsV2 of S3 over HTTP, path style: real sockets, S3's XML errors, and faults on demand. */
export async function startS3Server(): Promise<S3Server> {
  const objects: S3Server['objects'] = new Map();
  const faults: S3Server['faults'] = new Map();
  const requests: S3Server['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '' });
    const path = decodeURIComponent((request.url ?? '').split('?')[0]!);
    const fault = faults.get(path)?.shift();
    const body = objects.get(path);
    if (!isSigned(request, s3.keyId)) return sendError(response, 403, 'AccessDenied');
    const query = new URL(request.url ?? '', 'http://s3').searchParams;
    if (query.get('list-type') === '2' && !fault) return sendList(response, path, query, objects);
    if (fault) return misbehave(response, fault, body ?? Buffer.from('nothing'));
    if (!body) return sendError(response, 404, 'NoSuchKey');
    response
      .writeHead(200, {
        'Content-Type': 'image/jpeg',
        'Content-Length': body.length,
        ETag: '"0"',
        'x-amz-request-id': 'test',
      })
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const s3: S3Server = {
    keyId: 'test',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    faults,
    requests,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return s3;
}

/** A page of ten keys, so that a test sees several. */
function sendList(
  response: ServerResponse,
  bucket: string,
  query: URLSearchParams,
  objects: S3Server['objects'],
): void {
  const root = bucket.endsWith('/') ? bucket : `${bucket}/`;
  const keys = [...objects.keys()]
    .filter((path) => path.startsWith(root + (query.get('prefix') ?? '')))
    .map((path) => path.slice(root.length))
    .filter((key) => key > (query.get('start-after') ?? ''))
    .toSorted();
  const contents = keys.slice(0, 10).map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
  response
    .writeHead(200, { 'Content-Type': 'application/xml' })
    .end(`<ListBucketResult><IsTruncated>${keys.length > 10}</IsTruncated>${contents.join('')}</ListBucketResult>`);
}

/** The variables of the API that make it use the server. */
export function s3Environment(server: S3Server): Record<string, string> {
  return {
    S3_BUCKET: 'photos',
    S3_ENDPOINT: server.endpoint,
    S3_FORCE_PATH_STYLE: 'true',
    S3_ACCESS_KEY_ID: 'test',
    S3_SECRET_ACCESS_KEY: 'test-secret',
  };
}

function isSigned(request: IncomingMessage, keyId: string): boolean {
  return (request.headers.authorization ?? '').startsWith(`AWS4-HMAC-SHA256 Credential=${keyId}/`);
}

function misbehave(response: ServerResponse, fault: Fault, body: Buffer): void {
  const head = (length?: number) => response.writeHead(200, length === undefined ? {} : { 'Content-Length': length });
  const half = body.subarray(0, body.length / 2);
  if (fault === 'stall head') return;
  if (fault === 'reset') return void response.socket?.resetAndDestroy();
  if (fault === 'busy') return sendError(response, 503, 'SlowDown');
  if (fault === 'internal') return sendError(response, 500, 'InternalError');
  if (fault === 'denied') return sendError(response, 403, 'AccessDenied');
  const [refused, status, code] = fault.split(' ');
  if (refused === 'refused') return sendError(response, Number(status), code!);
  if (fault === 'stall body') return void head(body.length).write(half);
  if (fault === 'cut body') return void head(body.length).write(half, () => response.socket?.destroy());
  if (fault === 'slow body') return drip(head(body.length), body);
  return flood(head(fault === 'endless' ? 1e12 : undefined));
}

/** A byte every 20 ms: never silent, never done. */
function drip(response: ServerResponse, body: Buffer): void {
  let sent = 0;
  const timer = setInterval(() => response.write(body.subarray(sent, ++sent)), 20);
  response.once('close', () => clearInterval(timer));
}

function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 0xff);
  const write = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', write);
  write();
}

function sendError(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message><RequestId>test</RequestId></Error>`;
  response
    .writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}
