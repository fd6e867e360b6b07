import { Problem } from '@facepass/client';
import type { ComponentChildren } from 'preact';
import { Icon } from '../parts/icon.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { adviceForProblem, type Advice } from './advice.ts';

/** Advice as a short list, with an action below it. */
export function AdviceNote({ advice, children }: { advice: Advice; children?: ComponentChildren }) {
  return (
    <div class="advice">
      <Icon name="face" />
      <h3>{advice.title}</h3>
      <ul>
        {advice.hints.map((hint) => (
          <li key={hint}>{hint}</li>
        ))}
      </ul>
      {children}
    </div>
  );
}

/**
 * A failed search: advice if the user can fix it, else the service's own text. Shows `children`, the way to retry, if
 * that may help.
 */
export function FailedSearch({ error, children }: { error: unknown; children?: ComponentChildren }) {
  const advice = error instanceof Problem ? adviceForProblem(error.code) : null;
  return advice ? (
    <AdviceNote advice={advice}>{!advice.final && children}</AdviceNote>
  ) : (
    <ProblemNote error={error}>{children}</ProblemNote>
  );
}
