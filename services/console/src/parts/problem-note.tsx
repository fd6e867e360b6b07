import { Problem } from '@facepass/client';
import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

/** A problem in the service's own text, with the request id for its operator. */
export function ProblemNote({ error, children }: { error: unknown; children?: ComponentChildren }) {
  const problem = error instanceof Problem ? error : null;
  return (
    <div class="note problem" role="alert">
      <Icon name="warning" />
      <div>
        <p>{(error as Error).message}</p>
        {problem?.requestId && <p class="faint">Request {problem.requestId}</p>}
        {children}
      </div>
    </div>
  );
}
