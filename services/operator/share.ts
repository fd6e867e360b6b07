import type { Traffic } from './facepass.ts';

/** Requests that the pods of the active revision and of the candidate counted since the present weight was set. */
export interface CountedRequests {
  candidate: number;
  total: number;
}

/**
 * `near`: the share is the desired one. `off`: it is not, and chance does not explain it. `few`: too few requests to say;
 * it is a hold and never a verdict, so that neither a quiet night nor a gateway that drops everything advances a release.
 */
export type ShareJudgement = { result: 'near' | 'off' | 'few'; observed?: number; message: string };

/** Compares the share counted with the weight desired, both in per cent. Off: beyond the tolerance and three standard deviations of a binomial count. */
export function judgeShare(desired: number, counted: CountedRequests | null, { tolerance, minRequests }: Traffic['share']): ShareJudgement {
  if (!counted) return { result: minRequests === 0 ? 'near' : 'few', message: 'the API pods’ counters cannot be read' };
  const { candidate, total } = counted;
  if (total === 0) return { result: minRequests === 0 ? 'near' : 'few', message: `no request of ${minRequests}` };
  const observed = Math.round((1000 * candidate) / total) / 10;
  const difference = Math.abs((100 * candidate) / total - desired);
  const p = desired / 100;
  const chance = 300 * Math.sqrt((p * (1 - p)) / total);
  const message = `${observed} % of ${total} requests, desired ${desired} %`;
  if (total >= LEAST_FOR_A_VERDICT && difference > tolerance + chance) return { result: 'off', observed, message };
  if (total < minRequests) return { result: 'few', observed, message: `${message}, ${minRequests} requests are asked for` };
  return difference <= tolerance ? { result: 'near', observed, message } : { result: 'few', observed, message: `${message}, which may be chance` };
}

/** Below it the normal approximation of a binomial count is poor. */
const LEAST_FOR_A_VERDICT = 30;
