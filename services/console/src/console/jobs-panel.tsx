import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { timeLeft } from '../photos/time-left.ts';
import type { Job, JobPhoto } from '../service.ts';
import { wantsKey } from './key-problem.tsx';
import type { App } from './app.ts';

/** The newest jobs of the session, anew while one of them runs; none while they are not known. */
export function useJobs(app: App, sessionId: string): { jobs: Job[]; refresh: () => void } {
  const [jobs, setJobs] = useState<Job[]>([]);
  const [round, setRound] = useState(0);
  const refresh = () => setRound((before) => before + 1);
  const key = app.apiKey.value;
  useEffect(() => {
    if (wantsKey(app)) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    // A service without jobs, or one that is away, leaves out the tab; the other tabs tell of it.
    app.service.jobs(sessionId).then(
      (found) => {
        if (left) return;
        setJobs(found);
        if (found.some(isRunning)) timer = setTimeout(refresh, REFRESH_MS);
      },
      () => undefined,
    );
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [app, sessionId, key, round]);
  return { jobs, refresh };
}

const REFRESH_MS = 3000;

function isRunning({ ended_at }: Job): boolean {
  return ended_at === null;
}

/** What jobs did for the session: how far each is, and which photos failed. */
export function JobsPanel({ app, jobs, onChanged }: { app: App; jobs: Job[]; onChanged: () => void }) {
  return (
    <div class="jobs">
      {jobs.map((job) => (
        <JobCard key={job.job_id} app={app} job={job} onChanged={onChanged} />
      ))}
    </div>
  );
}

function JobCard({ app, job, onChanged }: { app: App; job: Job; onChanged: () => void }) {
  const [problem, setProblem] = useState<unknown>(null);
  const done = job.total - job.pending;
  const ask = (work: Promise<void>) => {
    setProblem(null);
    work.then(onChanged, setProblem);
  };
  const created = new Date(job.created_at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <section class="card job" aria-label={`Job of ${created}`}>
      <h2>
        {job.s3_prefix === null ? `${job.total} photos of the bucket` : `Photos below ${job.s3_prefix || 'the bucket'}`}
      </h2>
      <progress value={done} max={Math.max(1, job.total)} aria-label="Photos of the job that are done" />
      <p>
        <strong>
          {NAMES[job.state]}: {done} of {job.total}
        </strong>{' '}
        <span class="faint">{detailsOf(job)}</span>
      </p>
      <p class="faint">
        {created} · {job.job_id}
      </p>
      {job.detail !== null && <p>{job.detail}</p>}
      {job.failed > 0 && <Failures app={app} job={job} />}
      {problem !== null && <ProblemNote error={problem} />}
      <div class="actions">
        {isRunning(job) && (
          <Button look="quiet" icon="close" onClick={() => ask(app.service.cancelJob(job.job_id))}>
            Cancel the rest
          </Button>
        )}
        {!isRunning(job) && job.state !== 'cancelled' && (job.failed > 0 || job.state === 'failed') && (
          <Button icon="retry" onClick={() => ask(app.service.retryJob(job.job_id))}>
            Retry what failed
          </Button>
        )}
      </div>
    </section>
  );
}

const NAMES: Record<Job['state'], string> = {
  listing: 'Listing the bucket',
  running: 'Running',
  finished: 'Finished',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

function detailsOf(job: Job): string {
  const parts = [`${job.indexed} indexed`];
  if (job.without_face > 0) parts.push(`${job.without_face} without a usable face`);
  if (job.failed > 0) parts.push(`${job.failed} failed`);
  if (job.cancelled > 0) parts.push(`${job.cancelled} cancelled`);
  const left = isRunning(job) ? timeLeft(job.pending, job.photos_per_second) : '';
  return [...parts, left].filter(Boolean).join(' · ');
}

/** The first photos that failed, read when they are asked for. */
function Failures({ app, job }: { app: App; job: Job }) {
  const [photos, setPhotos] = useState<JobPhoto[] | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const read = () => app.service.failedPhotos(job.job_id).then(setPhotos, setProblem);
  return (
    <details onToggle={({ currentTarget }) => currentTarget.open && void read()}>
      <summary>{job.failed} failed</summary>
      {problem !== null && <ProblemNote error={problem} />}
      <ul>
        {photos?.map(({ photo_id, detail, code }) => (
          <li key={photo_id}>
            {photo_id}: {detail} ({code})
          </li>
        ))}
      </ul>
      {photos && photos.length < job.failed && <p class="faint">The first {photos.length} are shown.</p>}
    </details>
  );
}
