import * as z from 'zod';
import { messageOf } from '@facepass/runtime/errors';
import type { Config } from '../config.ts';
import { textUpTo } from './text.ts';

/**
 * Queries Prometheus for one number at an instant (milliseconds since 1970; absent: now). Returns the number, or why
 * there is none. Never throws.
 */
export type InstantQuery = (query: string, atMs?: number) => Promise<number | string>;

/** Instant queries of Prometheus's HTTP API. */
export function createInstantQuery({ url, timeoutMs, bearerToken }: Config['prometheus']): InstantQuery {
  if (!url) return async () => 'PROMETHEUS_URL is not set';
  const address = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`);
  return async (query, atMs) => {
    const form = new URLSearchParams({ query, ...(atMs === undefined ? {} : { time: (atMs / 1000).toFixed(3) }) });
    try {
      const headers: Record<string, string> = bearerToken ? { Authorization: `Bearer ${bearerToken}` } : {};
      const response = await fetch(address, {
        method: 'POST',
        body: form,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return numberOf(await answerOf(response), response.status);
    } catch (error) {
      return `Prometheus does not answer: ${((error as Error).cause as Error | undefined)?.message ?? messageOf(error)}`;
    }
  };
}

/** An answer of 60 MB took the operator's whole memory; one number needs some hundred bytes. */
const LONGEST_ANSWER_BYTES = 1_000_000;

/** @throws Error when it is longer than that */
async function answerOf(response: Response): Promise<unknown> {
  const text = await textUpTo(response, LONGEST_ANSWER_BYTES);
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const answer = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('scalar'), result: z.tuple([z.number(), z.string()]) }),
      z.object({
        resultType: z.literal('vector'),
        result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })),
      }),
      z.object({ resultType: z.literal('matrix') }),
      z.object({ resultType: z.literal('string') }),
    ])
    .optional(),
});

function numberOf(given: unknown, httpStatus: number): number | string {
  const parsed = answer.safeParse(given);
  if (!parsed.success) return `Prometheus returned an unreadable response (status ${httpStatus})`;
  const { status, error, data } = parsed.data;
  if (status !== 'success' || !data) return `Prometheus rejected the query: ${error ?? `status ${httpStatus}`}`;
  if (data.resultType === 'matrix' || data.resultType === 'string')
    return `the query returns a ${data.resultType}, not one number`;
  const samples = data.resultType === 'scalar' ? [data.result] : data.result.map((one) => one.value);
  if (samples.length === 0) return 'no data';
  if (samples.length > 1) return `the query returns ${samples.length} numbers, not one`;
  const value = Number((samples[0] as [number, string])[1]);
  return Number.isFinite(value) ? value : 'no data (not a number)';
}
