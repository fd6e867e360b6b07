import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';
import type { Finding } from './finding.ts';

type Name = keyof typeof TIMEOUT_DEFAULTS;
type Timeouts = Record<Name, number>;

/** What must end first, what after it, and what happens otherwise. */
const RULES: { shorter: Name; longer: Name; otherwise: string; allowed?: (timeouts: Timeouts) => number }[] = [
  {
    shorter: 'INFERENCE_TIMEOUT_MS',
    longer: 'INFERENCE_INDEX_TIMEOUT_MS',
    otherwise: 'a selfie may take longer than a photo to index',
  },
  {
    shorter: 'INFERENCE_IMAGE_TIMEOUT_MS',
    longer: 'INFERENCE_INDEX_TIMEOUT_MS',
    otherwise: 'workers continue with photos that the API has given up',
  },
  { shorter: 'DRAIN_DELAY_MS', longer: 'DRAIN_TIMEOUT_MS', otherwise: 'the API exits before it begins to drain' },
  {
    shorter: 'INFERENCE_TIMEOUT_MS',
    longer: 'DRAIN_TIMEOUT_MS',
    otherwise: 'the API exits during a search that may still succeed',
    allowed: ({ DRAIN_TIMEOUT_MS, DRAIN_DELAY_MS }) => DRAIN_TIMEOUT_MS - DRAIN_DELAY_MS,
  },
  {
    shorter: 'S3_CONNECT_TIMEOUT_MS',
    longer: 'S3_TRANSFER_TIMEOUT_MS',
    otherwise: 'a transfer is given up while it still connects',
  },
  {
    shorter: 'S3_REQUEST_TIMEOUT_MS',
    longer: 'S3_TRANSFER_TIMEOUT_MS',
    otherwise: 'a transfer is given up before its answer may begin',
  },
];

/** Checks that the timeouts that are set fit each other and the defaults of the others; empty if none is set. */
export function examineTimeouts(set: Partial<Timeouts>): Finding[] {
  const given = (name: Name) => set[name] !== undefined;
  if (!Object.keys(TIMEOUT_DEFAULTS).some((name) => given(name as Name))) return [];
  const timeouts: Timeouts = { ...TIMEOUT_DEFAULTS };
  for (const name of Object.keys(timeouts) as Name[]) timeouts[name] = set[name] ?? timeouts[name];
  const findings = RULES.flatMap(({ shorter, longer, otherwise, allowed }): Finding[] => {
    const limit = allowed?.(timeouts) ?? timeouts[longer];
    if (!(given(shorter) || given(longer)) || timeouts[shorter] <= limit) return [];
    const values = `${shorter} is ${timeouts[shorter]} and ${longer} is ${timeouts[longer]}`;
    const what = `timeouts ${shorter} and ${longer}`;
    return [
      {
        what,
        fault: `${values}, so ${otherwise}`,
        mend: `Lower ${shorter} to ${Math.max(0, limit)}, or raise ${longer}.`,
      },
    ];
  });
  return findings.length > 0 ? findings : [{ what: 'timeouts' }];
}
