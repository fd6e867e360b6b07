import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Service } from './service.ts';

/**
 * How fast the server answers health checks of another process while all its workers are busy, and how late its main
 * thread's timers are (Node's own histogram, read over /metrics, which empties it; a timer of 10 ms that is on time reads 10).
 */
export async function measureResponsiveness(service: Service, passes: number): Promise<{ healthMs: number[]; loopP50Ms: number; loopP99Ms: number }> {
  const probe = fork(new URL('./probe.ts', import.meta.url), [service.server.address]);
  await once(probe, 'message');
  await service.server.metric('nodejs_eventloop_lag_p99_seconds');
  await service.round(passes);
  const text = await (await fetch(`http://127.0.0.1:${service.server.metricsPort}/metrics`)).text();
  const lag = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]) * 1000 - TIMER_MS;
  const answer = once(probe, 'message');
  probe.send('stop');
  return { healthMs: (await answer)[0] as number[], loopP50Ms: lag('nodejs_eventloop_lag_p50_seconds'), loopP99Ms: lag('nodejs_eventloop_lag_p99_seconds') };
}

const TIMER_MS = 10;
