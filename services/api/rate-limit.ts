import { ApiProblem } from '@facepass/indexing/errors';
import type { Logger } from '@facepass/runtime/logger';
import type { Request, RequestHandler, Response } from 'express';
import {
  ipKeyGenerator,
  MemoryStore,
  rateLimit,
  type ClientRateLimitInfo,
  type Options,
  type Store,
} from 'express-rate-limit';
import { Redis } from 'ioredis';
import { RedisStore, type RedisReply } from 'rate-limit-redis';
import { messageOf } from '@facepass/runtime/errors';

export interface RateLimits extends Disposable {
  /** Per API key; without a valid key per client address, so that nobody can guess keys fast. */
  writes: RequestHandler;
  /** Per client address. */
  searches: RequestHandler;
  /** Whether Redis counts for all processes now; null where there is none. */
  isShared: (() => boolean) | null;
  /** The next connection to Redis is made with the user and password of this URL. */
  renewRedis(url: string | undefined): void;
}

const WINDOW_MS = 60_000;
/** Maximum wait for Redis; then this process counts by itself. */
const REDIS_PATIENCE_MS = 80;
/** How long to skip Redis after a failure, so that not every request waits for it. */
const REDIS_REST_MS = 1000;

/**
 * Opens the limits per minute. Redis counts for all replicas together; while it does not answer, each process counts by
 * itself.
 */
export function openRateLimits(
  config: { redisUrl?: string; writesPerMinute: number; searchesPerMinute: number },
  logger: Logger,
): RateLimits {
  const redis = config.redisUrl ? connect(config.redisUrl, logger) : null;
  const stores: SharedStore[] = [];
  const storeOf = (name: string): Store => {
    if (!redis) return new MemoryStore();
    const store = new SharedStore(redis, `facepass:limit:${name}:`, logger);
    stores.push(store);
    return store;
  };
  const limiter = (
    name: string,
    limit: number,
    keyOf: (request: Request, response: Response) => string,
  ): RequestHandler => {
    if (limit === 0) return (_request, _response, next) => next();
    return rateLimit({
      windowMs: WINDOW_MS,
      limit,
      identifier: name,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      // X-Forwarded-For is ignored on purpose if TRUST_PROXY is not set.
      validate: { xForwardedForHeader: false, forwardedHeader: false },
      keyGenerator: keyOf,
      store: storeOf(name),
      handler: (_request, _response, next) =>
        next(new ApiProblem('rate_limited', `The limit is ${limit} ${name} per minute.`)),
    });
  };
  return {
    writes: limiter('writes', config.writesPerMinute, (request, response) =>
      response.locals.key ? `key:${response.locals.key.name}` : addressOf(request),
    ),
    searches: limiter('searches', config.searchesPerMinute, addressOf),
    isShared: redis && (() => redis.status === 'ready' && stores.every((store) => !store.isResting())),
    renewRedis(url) {
      if (!redis || !url) return;
      const { username, password } = new Redis(url, { lazyConnect: true }).options;
      Object.assign(redis.options, { username, password });
    },
    [Symbol.dispose]: () => redis?.disconnect(),
  };
}

/** An IPv6 client owns a /64; an IPv4-mapped address counts as the IPv4 client. */
function addressOf(request: Request): string {
  return `address:${ipKeyGenerator(request.ip ?? 'unknown', 64)}`;
}

function connect(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    connectTimeout: 1000,
    commandTimeout: REDIS_PATIENCE_MS,
    maxRetriesPerRequest: 0,
    // A queue would delay requests while Redis is unavailable and resend increments that were already counted.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempts) => Math.min(100 * attempts, 1000),
    // After a failover behind one name, the connection may still reach the former primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let reported = '';
  redis.on('error', (error) => {
    if (error.message !== reported)
      logger.warn({ reason: error.message }, 'Redis does not answer; this process counts rate limits by itself');
    reported = error.message;
  });
  redis.on('ready', () => (reported = ''));
  return redis;
}

/** Counts in Redis, and in memory while Redis fails. */
class SharedStore implements Store {
  readonly prefix: string;
  private readonly shared: RedisStore;
  private readonly alone = new MemoryStore();
  private readonly logger: Logger;
  private options: Options | undefined;
  private loaded: Promise<void> | undefined;
  private restUntil = 0;

  constructor(redis: Redis, prefix: string, logger: Logger) {
    this.prefix = prefix;
    this.logger = logger;
    this.shared = new RedisStore({
      prefix,
      sendCommand: (command: string, ...rest: string[]) => redis.call(command, ...rest) as Promise<RedisReply>,
    });
  }

  init(options: Options): void {
    this.options = options;
    this.alone.init(options);
  }

  increment(key: string): Promise<ClientRateLimitInfo> {
    return this.either(
      () => this.shared.increment(key),
      () => this.alone.increment(key),
    );
  }

  decrement(key: string): Promise<void> {
    return this.either(
      () => this.shared.decrement(key),
      () => this.alone.decrement(key),
    );
  }

  resetKey(key: string): Promise<void> {
    return this.either(
      () => this.shared.resetKey(key),
      () => this.alone.resetKey(key),
    );
  }

  shutdown(): void {
    this.alone.shutdown();
  }

  /** Whether Redis failed just now and is left alone for a while. */
  isResting(): boolean {
    return performance.now() < this.restUntil;
  }

  private async either<Result>(inRedis: () => Promise<Result>, inMemory: () => Promise<Result>): Promise<Result> {
    if (this.isResting()) return inMemory();
    try {
      return await within(REDIS_PATIENCE_MS, async () => {
        // The store remembers a failed load of its scripts; then it loads them again.
        this.loaded ??= this.shared.init(this.options!);
        await this.loaded;
        return inRedis();
      });
    } catch (error) {
      this.loaded = undefined;
      this.restUntil = performance.now() + REDIS_REST_MS;
      this.logger.warn({ reason: messageOf(error) }, 'this process counts rate limits by itself');
      return inMemory();
    }
  }
}

async function within<Result>(milliseconds: number, work: () => Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
