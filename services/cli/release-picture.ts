import type { Facepass, Phase, Served, Spec, Status } from '@facepass/contracts/facepass';

/** The part of the resource that the picture shows. */
export type ShownFacepass = Pick<Facepass, 'metadata' | 'status'> & { spec: ShownSpec };
type ShownSpec = { traffic: Pick<Spec['traffic'], 'steps'>; paused?: boolean };

const BEFORE_SHIFTING: Phase[] = ['Migrating', 'Starting', 'Testing'];
const BAR = 24;

/** Draws the release in a few lines of text: shares, step, gates and earlier releases. */
export function drawRelease({ metadata, spec, status }: ShownFacepass, now: Date): string {
  const title = `${metadata.name} in ${metadata.namespace}`;
  if (!status?.phase) return `${title}: the operator has not reconciled it yet.`;
  const facts = [
    status.trafficMode && `${status.trafficMode} mode`,
    status.schemaVersion !== undefined && `schema ${status.schemaVersion}`,
  ].filter(Boolean);
  return [
    [title, ...facts].join(' · '),
    '',
    ...shares(status),
    '',
    ...(status.candidate ? [course(spec, status)] : []),
    `${spec.paused ? 'PAUSED  ' : ''}${status.phase}${status.reason === status.phase ? '' : ` (${status.reason})`}: ${status.message}${timeLeft(status.stepDeadline, now)}`,
    ...gates(status),
    ...history(status),
  ].join('\n');
}

/** One line, for `--watch` when the output is not a terminal. */
export function lineOf({ status }: Pick<Facepass, 'status'>): string {
  if (!status?.phase) return 'not reconciled yet';
  const observed = status.observedWeight === undefined ? '' : ` (observed ${status.observedWeight} %)`;
  return `${status.phase} ${status.candidate ? `${status.candidate.revision} ${status.weight} %${observed}` : (status.active?.revision ?? '')} ${status.reason}: ${status.message}`;
}

function shares({ active, candidate, previous, weight, observedWeight, observedRequests }: Status): string[] {
  const observed =
    observedWeight === undefined ? '' : `   observed ${observedWeight} % of ${observedRequests} requests`;
  return [
    ...(active ? [share('active', active, candidate ? 100 - weight : 100)] : []),
    ...(candidate ? [`${share('candidate', candidate, weight)}${observed}`] : []),
    ...(previous ? [`  previous   ${previous.revision}  kept${previous.until ? ` until ${previous.until}` : ''}`] : []),
  ];
}

function share(role: string, { revision, model = '' }: Pick<Served, 'revision' | 'model'>, weight: number): string {
  const filled = Math.round((weight / 100) * BAR);
  return `  ${role.padEnd(9)}  ${revision}  ${model.padEnd(8)}  ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${String(weight).padStart(3)} %`;
}

/** ✓ done, ▸ present step, · not yet. */
function course(spec: ShownSpec, { phase, step }: Status): string {
  const stages = [...BEFORE_SHIFTING, ...spec.traffic.steps.map(({ weight }) => `${weight} %`)];
  const at = phase === 'Shifting' ? BEFORE_SHIFTING.length + step - 1 : BEFORE_SHIFTING.indexOf(phase);
  if (at < 0) return `  ◂ ${phase}`;
  return `  ${stages.map((stage, index) => `${index < at ? '✓' : index === at ? '▸' : '·'} ${stage}`).join('  ')}`;
}

function gates({ gates }: Status): string[] {
  const width = Math.max(...gates.map(({ name }) => name.length));
  const marks = { pass: '✓', hold: '…', fail: '✗' };
  const rows = gates.map(({ name, result, value, limit, message }) => {
    const measured =
      value === undefined ? '' : `  ${rounded(value)}${limit === undefined ? '' : ` (maximum ${rounded(limit)})`}`;
    return `  ${marks[result]} ${name.padEnd(width)}${measured}${message && result !== 'pass' ? `  ${message}` : ''}`;
  });
  return rows.length > 0 ? ['', 'gates', ...rows] : [];
}

function history({ history }: Status): string[] {
  const rows = history.slice(0, 5).map(({ number, revision, result, reason, startedAt, finishedAt }) => {
    const seconds = Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
    return `  #${number}  ${revision}  ${result.replace('_', ' ')}${result === 'succeeded' ? '' : ` (${reason})`}  ${finishedAt}, after ${seconds} s`;
  });
  return rows.length > 0 ? ['', 'earlier releases', ...rows] : [];
}

function timeLeft(deadline: string | undefined, now: Date): string {
  if (!deadline) return '';
  const seconds = Math.round((Date.parse(deadline) - now.getTime()) / 1000);
  return seconds >= 0 ? `  (${seconds} s until its deadline)` : `  (${-seconds} s past its deadline)`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
