import type { Match } from '../service.ts';

/** Matches in two parts: those that are sure, and those that a person should look at. Empty ones are left out. */
export function matchParts(matches: readonly Match[]): { title: string; sure: boolean; matches: Match[] }[] {
  return [
    { title: 'You', sure: true, matches: matches.filter(({ certainty }) => certainty === 'sure') },
    { title: 'Possibly you', sure: false, matches: matches.filter(({ certainty }) => certainty !== 'sure') },
  ].filter((part) => part.matches.length > 0);
}
