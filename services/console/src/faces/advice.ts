/** What to show after a search without a result, and what may help. */
export interface Advice {
  title: string;
  hints: readonly string[];
  /** Repeating the same search does not help. */
  final?: boolean;
}

const BETTER_SELFIE = [
  'Face the camera at eye level, with your whole face in the photo.',
  'Turn towards a window or a lamp; light from behind hides your face.',
  'Take off sunglasses, a mask or a hat.',
];

/** Advice by the problem's `code`; `null` if no other selfie helps, and the problem's own text is best. */
export function adviceForProblem(code: string): Advice | null {
  switch (code) {
    case 'no_face':
      return { title: 'No usable face in this photo', hints: BETTER_SELFIE, final: true };
    case 'selfies_differ':
      return {
        title: 'The selfies show different people',
        hints: ['“Try again” searches without the last selfie.', 'All selfies must show the same person.'],
      };
    case 'session_not_indexed':
      return {
        title: 'No photos here yet',
        hints: [
          'The photographer may still be uploading them. Come back later.',
          'If you followed a link, check that it is complete.',
        ],
      };
    case 'search_token_required':
    case 'search_token_invalid':
      return {
        title: 'This link no longer works',
        hints: ['Links expire. Ask the photographer for a new one.'],
        final: true,
      };
    case 'rate_limited':
      return { title: 'Too many searches at once', hints: ['Wait a minute, then try again.'] };
    case 'inference_overloaded':
    case 'overloaded':
      return { title: 'The service is very busy', hints: ['Try again in a few seconds. Your selfie is still here.'] };
    case 'network':
      return {
        title: 'Cannot reach the service',
        hints: ['Check your connection, then try again.'],
      };
    default:
      return null;
  }
}

/** Advice for a search that found no photo. */
export function adviceForNoMatch(mayLowerThreshold: boolean): Advice {
  const threshold = mayLowerThreshold ? ['Lower the strictness to see less similar faces too.'] : [];
  return {
    title: 'No photos found',
    hints: [...BETTER_SELFIE, ...threshold, 'The newest photos may not be uploaded yet.'],
  };
}

/** Why a face was rejected. */
export function rejectReason(reason: string): string {
  return REASONS[reason] ?? reason.replaceAll('_', ' ');
}

const REASONS: Record<string, string> = {
  too_small: 'too small',
  blurred: 'blurred',
  extreme_pose: 'turned too far away',
  not_a_face: 'not recognised as a face',
  truncated: 'cut off by the edge of the photo',
  over_limit: 'more faces than the limit per photo',
};
