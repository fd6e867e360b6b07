import type { Observation } from './observation.ts';

/**
 * Why a revision that serves the packs `wanted` may not come after one that serves `active`, or null; both are lists with
 * commas, new sessions get the first. While both get traffic, and after a rollback, each must answer for the sessions
 * that the other began. That it serves the models of all older sessions is for its migration to check, which sees them.
 */
export function modelRefusal(active: string | undefined, wanted: string | undefined): Observation['refused'] {
  if (!active || !wanted) return null;
  const [before, after] = [active.split(','), wanted.split(',')];
  if (!before.includes(after[0]!))
    return {
      reason: 'ModelNotServed',
      message: `a rollback would leave the sessions of ${after[0]} without an answer: the active revision serves ${before.join(', ')} only. Release ${before[0]},${after[0]} first`,
    };
  if (!after.includes(before[0]!))
    return {
      reason: 'ModelNotServed',
      message: `the active revision begins sessions of ${before[0]}, and this one serves ${after.join(', ')} only. Release ${after[0]},${before[0]} first`,
    };
  return null;
}
