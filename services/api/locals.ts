import type { ApiKey } from '@facepass/contracts/api-keys';
import type { ProblemCode } from '@facepass/indexing/errors';

declare global {
  // The name that Express's own types extend.
  namespace Express {
    /** What the handlers of one request leave for each other and for its log line, in `response.locals`. */
    interface Locals {
      requestId: string;
      key: ApiKey | null;
      /** For the log line: the name of the key, or the fingerprint of one that is unknown. */
      keyName: string | undefined;
      keyPresented: boolean;
      /** The session of the search token, where one was sent. */
      tokenSession?: string;
      /** Faces found, for the log line. */
      faces?: number;
      /** Id of the model that found them, for the log line. */
      model?: string;
      code?: ProblemCode;
      /** The error behind a problem of the service's own, for the log line. */
      cause?: unknown;
    }
  }
}
