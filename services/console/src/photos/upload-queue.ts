/** What became of one attempt at a job. */
export type Attempt = { outcome: 'done' } | { outcome: 'again'; waitMs: number | null };

export interface QueueOptions<Job> {
  /** Jobs under way at a time; fewer while the service says that it is full. */
  parallel: number;
  /** Attempts at one job before `giveUp`. */
  attempts: number;
  run: (job: Job, signal: AbortSignal) => Promise<Attempt>;
  giveUp: (job: Job) => void;
  /** Told when the queue begins to wait, until when (milliseconds since 1970), and with `null` when it goes on. */
  onPause: (untilMs: number | null) => void;
}

/**
 * Runs jobs a few at a time. When one is answered "not now", every job waits as long as the service asked (or 1 s, 2 s
 * … 30 s), half as many run afterwards, and one more is let in after each eight that went well.
 */
export class UploadQueue<Job> {
  readonly #options: QueueOptions<Job>;
  #waiting: { job: Job; attempts: number }[] = [];
  #running = 0;
  #parallel: number;
  #successes = 0;
  #refusals = 0;
  #pausedUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  constructor(options: QueueOptions<Job>) {
    this.#options = options;
    this.#parallel = options.parallel;
  }

  add(jobs: Iterable<Job>): void {
    for (const job of jobs) this.#waiting.push({ job, attempts: 0 });
    this.#fill();
  }

  /** Forgets the jobs that wait and aborts those under way; returns the former. */
  clear(): Job[] {
    const dropped = this.#waiting.map(({ job }) => job);
    this.#waiting = [];
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#resume();
    return dropped;
  }

  #fill(): void {
    while (this.#timer === undefined && this.#running < this.#parallel) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running += 1;
      void this.#attempt(next);
    }
  }

  async #attempt(entry: { job: Job; attempts: number }): Promise<void> {
    const { signal } = this.#abort;
    const attempt = await this.#options.run(entry.job, signal);
    this.#running -= 1;
    if (attempt.outcome === 'done') this.#succeeded();
    else if (!signal.aborted) this.#refused(entry, attempt.waitMs);
    this.#fill();
  }

  #succeeded(): void {
    this.#refusals = 0;
    this.#successes += 1;
    if (this.#successes % 8 === 0) this.#parallel = Math.min(this.#options.parallel, this.#parallel + 1);
  }

  #refused(entry: { job: Job; attempts: number }, waitMs: number | null): void {
    entry.attempts += 1;
    if (entry.attempts >= this.#options.attempts) this.#options.giveUp(entry.job);
    else this.#waiting.unshift(entry);
    if (this.#timer === undefined) {
      this.#refusals += 1;
      this.#parallel = Math.max(1, Math.floor(this.#parallel / 2));
    }
    this.#pause(waitMs ?? Math.min(30_000, 500 * 2 ** this.#refusals));
  }

  #pause(milliseconds: number): void {
    const until = Date.now() + milliseconds;
    if (this.#timer !== undefined && until <= this.#pausedUntil) return;
    clearTimeout(this.#timer);
    this.#pausedUntil = until;
    this.#options.onPause(until);
    this.#timer = setTimeout(() => this.#resume(), milliseconds);
  }

  #resume(): void {
    clearTimeout(this.#timer);
    if (this.#timer !== undefined) this.#options.onPause(null);
    this.#timer = undefined;
    this.#fill();
  }
}
