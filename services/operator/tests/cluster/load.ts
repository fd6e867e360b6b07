import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** A request at a steady rate, whatever becomes of the ones before it, until stopped or disposed of. */
export interface Load extends AsyncDisposable {
  /** Requests answered with the status they should have, since the start. */
  readonly answered: number;
  /** Every other request, in the order in which they were sent. */
  readonly failures: readonly FailedRequest[];
  /** Requests sent from `fromMs` on that failed; both times are of Date.now(). */
  failedSince(fromMs: number, untilMs?: number): FailedRequest[];
  /** Milliseconds that `share` of the answered requests took at most. */
  quantile(share: number): number;
  /** Sends no more, and waits for the answers under way. */
  stop(): Promise<void>;
}

export interface FailedRequest {
  sentMs: number;
  request: string;
  reason: string;
}

export interface Request {
  name: string;
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer;
}

/** More than this under way means that the service stands still: a request that finds no place has failed. */
const MOST_UNDER_WAY = 400;
const TIMEOUT_MS = 15_000;

/**
 * Sends `perSecond` requests a second over kept connections until stopped (open loop: slow answers do not slow it
 * down).
 * @param requests in what order they are sent: the n-th is `requests(n)`.
 */
export function steadyLoad(baseUrl: string, perSecond: number, requests: (count: number) => Request): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: MOST_UNDER_WAY });
  const failures: FailedRequest[] = [];
  const tookMs: number[] = [];
  const underWay = new Set<Promise<void>>();
  let stopped = false;

  const send = async (request: Request) => {
    const sentMs = Date.now();
    const reason =
      underWay.size >= MOST_UNDER_WAY
        ? `${MOST_UNDER_WAY} requests are under way`
        : await outcomeOf(agent, baseUrl, request);
    if (reason) failures.push({ sentMs, request: request.name, reason });
    else tookMs.push(Date.now() - sentMs);
  };
  const run = async () => {
    const started = performance.now();
    for (let count = 0; !stopped; count += 1) {
      const wait = started + (count * 1000) / perSecond - performance.now();
      if (wait > 1) await delay(wait);
      const answer: Promise<void> = send(requests(count)).finally(() => underWay.delete(answer));
      underWay.add(answer);
    }
  };
  const running = run();
  const stop = async () => {
    stopped = true;
    await running;
    await Promise.all(underWay);
    agent.destroy();
  };

  return {
    get answered() {
      return tookMs.length;
    },
    failures,
    failedSince: (fromMs, untilMs = Number.POSITIVE_INFINITY) =>
      failures.filter(({ sentMs }) => sentMs >= fromMs && sentMs < untilMs),
    quantile(share) {
      const sorted = tookMs.toSorted((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Why a request failed; nothing if it was answered with 200. */
function outcomeOf(
  agent: http.Agent,
  baseUrl: string,
  { path, method = 'GET', headers = {}, body }: Request,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const length = body ? { 'Content-Length': String(body.length) } : {};
    const request = http.request(
      new URL(path, baseUrl),
      { agent, method, headers: { ...headers, ...length }, timeout: TIMEOUT_MS },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => resolve(`the answer broke off: ${error.message}`));
        response.on('end', () =>
          resolve(
            response.statusCode === 200
              ? undefined
              : `${response.statusCode} ${Buffer.concat(chunks).toString().slice(0, 300)}`,
          ),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => resolve(error.message));
    request.end(body);
  });
}
