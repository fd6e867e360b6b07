import { randomUUID } from 'node:crypto';
import { answerOf } from '@facepass/client';
import type { Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';
import { followJob, patientClient } from '../follow-job.ts';

export interface IndexBucketOptions {
  session: string;
  s3Prefix: string;
  /** Return once the job exists. */
  detach?: boolean;
  json?: boolean;
}

/** `facepass index --s3-prefix P`: creates a job for the photos of the service's bucket below P, and follows it. */
export async function indexBucket(
  { session, s3Prefix, detach, json }: IndexBucketOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const job = answerOf(
    await patientClient(connection).POST('/api/v1/jobs', {
      params: { header: { 'Idempotency-Key': randomUUID() } },
      body: { session_id: session, s3_prefix: s3Prefix },
      signal,
    }),
  );
  if (!json) console.log(`Job ${job.job_id} indexes the photos below "${s3Prefix}" into session "${session}".`);
  if (!detach) return followJob(job.job_id, { json, signal }, connection);
  console.log(json ? JSON.stringify(job) : `Follow it with: facepass jobs show ${job.job_id} --follow`);
  return EXIT.done;
}
