import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import type { Counts, Library } from '../photos/library.ts';
import { timeLeft } from '../photos/time-left.ts';

/** How far the sending is, when it will be done, and what it waits for. */
export function UploadProgress({ library, onRetry }: { library: Library; onRetry: () => void }) {
  const counts = library.counts.value;
  const left = counts.waiting + counts.working;
  const done = counts.indexed + counts.no_face + counts.failed;
  const rate = useRate(done, left > 0);
  const pausedUntil = library.pausedUntil.value;
  useQuestionBeforeLeaving(left > 0);
  return (
    <section class="progress" aria-label="Progress">
      <progress value={done} max={Math.max(1, done + left)} aria-label="Photos indexed" />
      <p>
        <strong>{left > 0 ? `${done} of ${done + left}` : summary(counts)}</strong>
        {pausedUntil !== null ? (
          <Pause untilMs={pausedUntil} />
        ) : (
          left > 0 && <span class="faint">{timeLeft(left, rate)}</span>
        )}
      </p>
      <div class="actions">
        {left > 0 && (
          <Button look="quiet" icon="close" onClick={() => library.stop()}>
            Stop
          </Button>
        )}
        {counts.failed > 0 && left === 0 && (
          <Button icon="retry" onClick={onRetry}>
            Try {counts.failed} again
          </Button>
        )}
      </div>
    </section>
  );
}

function summary(counts: Counts): string {
  const parts = [`${counts.indexed} indexed`];
  if (counts.no_face > 0) parts.push(`${counts.no_face} without a usable face`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.shown > 0) parts.push(`${counts.shown} not indexed`);
  if (counts.erased > 0) parts.push(`${counts.erased} erased`);
  return parts.join(' · ');
}

/** Counts the wait down, so that it does not look stuck. */
function Pause({ untilMs }: { untilMs: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <span class="faint">
      <span role="status">The service is busy; waiting</span>{' '}
      <span aria-hidden="true">{Math.max(0, Math.ceil((untilMs - now) / 1000))} s</span>
    </span>
  );
}

/** The browser asks before it closes the page while photos are still to be sent. */
function useQuestionBeforeLeaving(busy: boolean): void {
  useEffect(() => {
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [busy]);
}

/** Photos a second since the sending began. */
function useRate(done: number, running: boolean): number {
  const start = useRef<{ done: number; atMs: number } | null>(null);
  if (!running) start.current = null;
  else start.current ??= { done, atMs: Date.now() };
  if (!start.current) return 0;
  return (done - start.current.done) / Math.max(0.001, (Date.now() - start.current.atMs) / 1000);
}
