/** What to tell a person whose search gave nothing, and what may help. */
export interface Advice {
  title: string;
  hints: readonly string[];
  /** The same search again would end the same. */
  final?: boolean;
}

const BETTER_SELFIE = [
  'Face the camera, at eye level, with your whole face in the picture.',
  'Turn towards a window or a lamp; light from behind hides the face.',
  'Take off sunglasses, a mask or a hat.',
];

/** Advice by the problem's `code`; what no selfie can mend gives `null`: the problem's own words are best then. */
export function adviceForProblem(code: string): Advice | null {
  switch (code) {
    case 'no_face':
      return { title: 'No face could be read in this picture', hints: BETTER_SELFIE, final: true };
    case 'selfies_differ':
      return {
        title: 'The pictures show different people',
        hints: ['Try again searches without the last one.', 'Every picture must show the same face.'],
      };
    case 'session_not_indexed':
      return {
        title: 'There are no photos here yet',
        hints: [
          'They may still be on their way: come back in a while.',
          'If you followed a link, check that it is complete.',
        ],
      };
    case 'search_token_required':
    case 'search_token_invalid':
      return {
        title: 'This link no longer works',
        hints: ['Links end after some time. Ask the photographer for a new one.'],
        final: true,
      };
    case 'rate_limited':
      return { title: 'Too many searches at once', hints: ['Wait a minute, then try again.'] };
    case 'inference_overloaded':
    case 'overloaded':
      return { title: 'The service is very busy', hints: ['Try again in a few seconds. Your selfie is still here.'] };
    case 'network':
      return {
        title: 'The service cannot be reached',
        hints: ['Check the connection of this device, then try again.'],
      };
    default:
      return null;
  }
}

/** Advice for a search that went well and found no photo. */
export function adviceForNoMatch(mayLowerThreshold: boolean): Advice {
  const threshold = mayLowerThreshold ? ['Lower the strictness: less similar faces are shown, too.'] : [];
  return {
    title: 'No photo of this face',
    hints: [...BETTER_SELFIE, ...threshold, 'Newly taken photos may not have been added yet.'],
  };
}

/** Why a face was seen but not used. */
export function rejectReason(reason: string): string {
  return REASONS[reason] ?? reason.replaceAll('_', ' ');
}

const REASONS: Record<string, string> = {
  too_small: 'too small',
  blurred: 'blurred',
  extreme_pose: 'turned too far away',
  not_a_face: 'not recognised as a face',
  truncated: 'cut off by the edge of the picture',
  over_limit: 'beyond the number of faces taken of a photo',
};
