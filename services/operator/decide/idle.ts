import { REQUEST, type Served, type Status } from '@facepass/contracts/facepass';
import { millisecondsOf } from './duration.ts';
import { isSettled, type Observation } from './observation.ts';
import { calledPastRoute } from './release.ts';
import { begin, enter, timestamp, wait, type Draft } from './transitions.ts';

/**
 * Decides while no release is in progress: begin one, roll back to the previous revision, or retire it after its
 * window.
 */
export function rest(draft: Draft, observation: Observation): void {
  const { status } = draft;
  const { wanted, annotations, now } = observation;
  if (status.rejected && status.rejected.revision !== wanted) delete status.rejected;
  const { active, previous, rejected } = status;
  const isRollback =
    active &&
    (annotations[REQUEST.rollback] === String(active.number) ||
      (status.phase === 'Retaining' && wanted === previous?.revision));
  if (isRollback && active.number > 0 && goesBack(draft, observation, active)) return;
  // Before anything serves there is nothing to protect: an installation whose database came late gets there by itself.
  const isFirst =
    rejected && !active && rejected.reason !== 'Aborted' && now - Date.parse(rejected.at) >= FIRST_RETRY_MS;
  const isRetried = isFirst || (rejected && annotations[REQUEST.retry] === String(rejected.number));
  if (wanted !== active?.revision && (!rejected || isRetried)) return beginUnlessHeld(draft, observation);
  if (status.phase === 'Retaining') return retain(draft, observation);
  if (status.phase === 'Retiring') return retire(draft, observation);
  if (rejected) return wait(draft, rejected.reason, rejected.message);
  wait(draft, 'Stable', `revision ${active?.revision} has all the traffic`);
}

/** Why the traffic cannot go back to the earlier revision, or null when it can. */
export function rollbackHindrance(
  status: Status,
  { pairs }: Pick<Observation, 'pairs'>,
): { reason: string; message: string } | null {
  const { previous, phase } = status;
  if (status.candidate) return null;
  if (!previous || phase !== 'Retaining') return { reason: 'WindowOver', message: 'no previous revision is kept' };
  const pair = pairs[previous.revision];
  if (pair?.schemaFits === false)
    return {
      reason: 'SchemaDoesNotFit',
      message: `revision ${previous.revision} does not support the current schema`,
    };
  if (!pair?.full)
    return {
      reason: 'PreviousNotReady',
      message: `revision ${previous.revision}: ${pair?.message ?? 'it has no pods'}`,
    };
  return null;
}

/** Makes the active revision a candidate that was given up: weights only, then its pods go. */
function goesBack(draft: Draft, observation: Observation, active: Served): boolean {
  const { status, events } = draft;
  const { now, wanted } = observation;
  const hindrance = rollbackHindrance(status, observation);
  const { previous } = status;
  if (hindrance || !previous) {
    if (status.conditions.find((one) => one.type === 'RollbackPossible')?.status === 'True')
      events.push({
        type: 'Warning',
        reason: hindrance?.reason ?? 'WindowOver',
        message: `rollback refused: ${hindrance?.message}`,
      });
    return false;
  }
  const message =
    wanted === previous.revision ? `the template is again that of revision ${previous.revision}` : 'requested';
  status.candidate = {
    revision: active.revision,
    number: active.number,
    model: active.model,
    startedAt: active.since,
    verdict: { reason: 'RolledBack', message, at: timestamp(now), result: 'rolled_back' },
  };
  const { until: _until, ...back } = previous;
  status.active = { ...back, since: timestamp(now) };
  delete status.previous;
  enter(draft, 'RollingBack', now);
  status.step = status.steps;
  status.weight = 0;
  wait(draft, 'RolledBack', message);
  events.push({
    type: 'Warning',
    reason: 'RollingBack',
    message: `from revision ${active.revision} to ${back.revision}: ${message}`,
  });
  return true;
}

function beginUnlessHeld(draft: Draft, observation: Observation): void {
  const { spec, refused, wanted, foreign } = observation;
  if (refused) return wait(draft, refused.reason, refused.message);
  if (foreign !== null) {
    if (draft.status.reason !== 'NotOwned' || draft.status.message !== foreign)
      draft.events.push({ type: 'Warning', reason: 'NotOwned', message: foreign });
    return wait(draft, 'NotOwned', foreign);
  }
  if (spec.abort) return wait(draft, 'Aborted', `revision ${wanted} waits: abort is true`);
  if (spec.paused) return wait(draft, 'Paused', `revision ${wanted} waits: paused is true`);
  begin(draft, observation);
}

function retain(draft: Draft, { now, spec, annotations, pairs, route }: Observation): void {
  const { status } = draft;
  const { previous, active } = status;
  if (!previous) return enter(draft, 'Stable', now);
  if (annotations[REQUEST.promote] === String(active?.number) && now < Date.parse(previous.until))
    previous.until = timestamp(now);
  const isOver = now >= Date.parse(previous.until);
  if (!isOver || spec.paused)
    return wait(draft, 'Retaining', `revision ${previous.revision} is kept until ${previous.until}`);
  const pair = pairs[previous.revision];
  const isCalled = pair?.serving && !pair.quiet && spec.traffic.mode === 'Gateway';
  const isBounded = isSettled(status, route) && now > Date.parse(previous.until) + millisecondsOf(spec.deadlines.route);
  if (isCalled && isBounded)
    draft.events.push({ type: 'Warning', reason: 'CalledPastRoute', message: calledPastRoute(previous.revision) });
  else if (isCalled)
    return wait(
      draft,
      'TrafficNotMoved',
      `revision ${previous.revision} has not been without requests for five seconds yet`,
    );
  enter(draft, 'Retiring', now);
  wait(draft, 'Retiring', `revision ${previous.revision} is scaled down`);
}

function retire(draft: Draft, { now, pairs }: Observation): void {
  const { status, events } = draft;
  const revision = status.previous?.revision ?? '';
  const pods = pairs[revision]?.pods ?? 0;
  if (pods > 0) return wait(draft, 'Retiring', `${pods} pods of revision ${revision} are terminating`);
  delete status.previous;
  enter(draft, 'Stable', now);
  wait(draft, 'Stable', `revision ${status.active?.revision} has all the traffic`);
  events.push({ type: 'Normal', reason: 'Retired', message: `revision ${revision} is removed` });
}

const FIRST_RETRY_MS = 120_000;
