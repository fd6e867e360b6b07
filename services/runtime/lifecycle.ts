import { setTimeout as delay } from 'node:timers/promises';
import { ProxyTracerProvider, trace, type TracerProvider } from '@opentelemetry/api';
import { ConfigurationError } from './environment.ts';
import type { Logger } from './logger.ts';

/**
 * Runs a service until SIGTERM or SIGINT, then disposes of it. A second signal, or the end of `drainMs`, exits at once.
 * An unhandled error also exits, because the process may be in an undefined state.
 * Exit codes: 0 stopped as asked, 78 wrong configuration, 1 anything else.
 */
export async function runService(start: () => Promise<RunningService>): Promise<void> {
  let service: RunningService;
  try {
    service = await start();
  } catch (error) {
    return failStart(error);
  }
  const { logger, drainMs } = service;
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'unhandled error');
    process.exit(1);
  });
  const signal = await nextSignal();
  logger.info({ signal, drain_ms: drainMs }, 'stopping');
  const deadline = setTimeout(() => {
    logger.error({ drain_ms: drainMs }, 'requests did not finish in time');
    process.exit(1);
  }, drainMs);
  deadline.unref();
  void nextSignal().then(() => process.exit(1));
  await service[Symbol.asyncDispose]();
  await flushSpans();
  clearTimeout(deadline);
  logger.info('stopped');
  process.exit(0);
}

export interface RunningService extends AsyncDisposable {
  logger: Logger;
  /** Time for requests in progress to finish, in milliseconds. */
  drainMs: number;
}

function failStart(error: unknown): void {
  const message =
    error instanceof ConfigurationError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${message}\n`);
  process.exit(error instanceof ConfigurationError ? error.exitCode : 1);
}

/** Sends the spans that telemetry.ts still holds, if it is loaded; does not wait long for the collector. */
async function flushSpans(): Promise<void> {
  const provider = trace.getTracerProvider();
  const sdk = (provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider) as TracerProvider & {
    forceFlush?: () => Promise<void>;
  };
  await Promise.race([sdk.forceFlush?.().catch(() => undefined), delay(FLUSH_MS)]);
}

const FLUSH_MS = 3_000;

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const settle = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', settle);
      process.off('SIGINT', settle);
      resolve(signal);
    };
    process.on('SIGTERM', settle);
    process.on('SIGINT', settle);
  });
}
