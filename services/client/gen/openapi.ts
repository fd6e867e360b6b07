// Made from docs/openapi.json by npm run gen:client.
export interface paths {
    "/api/v1/index": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Index every face of a photo
         * @description Indexing a photo again replaces its faces. Send parameters in the query or in the form; with a bare image body, send them in the query.
         */
        post: operations["indexPhoto"];
        /**
         * Erase a session whose id a path cannot carry
         * @description Same as with the id in the path, for ids such as `..`, which clients resolve as the parent path.
         */
        delete: operations["eraseSessionByQuery"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/index/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Index photos from the bucket
         * @description One bad photo never fails the batch, and sending the same batch again is harmless. With Accept: application/x-ndjson the answer has one line per photo, written when the photo is done.
         */
        post: operations["indexBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/index/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Erase a session */
        delete: operations["eraseSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/index/{session_id}/photos/{photo_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Erase a photo */
        delete: operations["erasePhoto"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/index/{session_id}/photos": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Erase a photo whose id a path cannot carry
         * @description Same as with the id in the path, for ids such as `..`, which clients resolve as the parent path.
         */
        delete: operations["erasePhotoByQuery"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find the photos that show the person in a selfie
         * @description The search is exact: it compares every face of the session. The selfie is not stored. If it shows several faces, the largest is searched unless face_index chooses another. A search takes up to five selfies of one person and compares their mean; a second selfie finds more photos. With an API key a search may name a stored face instead of a selfie, and up to twenty sessions.
         */
        post: operations["searchFaces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search/status/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the photo and face counts of a session */
        get: operations["getSessionStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the sessions
         * @description Needs a key with the scope `admin`. Expired and erased sessions are not listed.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the models and what they hold
         * @description Needs a key with the scope `admin`. A session keeps the model it was indexed with, and is searched with it as long as that is served.
         */
        get: operations["listModels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/photos": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the photos of a session */
        get: operations["listPhotos"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/photos/{photo_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the indexed faces of a photo */
        get: operations["getPhoto"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/photos/{photo_id}/faces/{face_index}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Erase one face of a photo
         * @description Its other faces stay, with their index. Copies of the photo that an upgrade left behind go too.
         */
        delete: operations["eraseFace"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/forget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Erase the faces of the person in a selfie
         * @description Needs a key with the scope `delete`. Without `confirmation_token` it answers with the faces that would go, photo by photo. With the token of that preview and the same selfie it erases them; other faces of their photos stay. The selfie is not stored.
         */
        post: operations["forgetPerson"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create a search token for one session */
        post: operations["createSearchToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the settings a client needs before its first call */
        get: operations["getSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check the service, its database and its inference servers */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is alive */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is ready for requests */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the metrics in the Prometheus text format */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the jobs of a session */
        get: operations["listJobs"];
        put?: never;
        /**
         * Index many photos of the bucket
         * @description Answers once the photos are queued; an indexer works them off. As application/x-ndjson the first line is the job without photos, and each other line is a photo. Two requests with the same Idempotency-Key make one job.
         */
        post: operations["createJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a job is */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Cancel what is pending of a job
         * @description Photos that are indexed stay. A job that has ended stays as it is.
         */
        delete: operations["cancelJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/photos": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the photos of a job */
        get: operations["listJobPhotos"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch a job
         * @description Server-sent events named `job`, whenever the job changed, until it has ended. A stream ends after ten minutes.
         */
        get: operations["watchJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Queue what failed of a job once more */
        post: operations["retryJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        IndexAnswer: {
            /** @enum {boolean} */
            indexed: true;
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @description Highest detector score among the photo’s faces. */
            confidence: number;
            /** @description Number of faces indexed: the length of `faces`. */
            faces_detected: number;
            faces: components["schemas"]["IndexedFace"][];
            /** @description Faces found but not indexed, because they are too poor to compare or too many. The largest 1,000. */
            rejected: components["schemas"]["RejectedFace"][];
            /** @description What is wrong with the image, although its faces were indexed. Absent if nothing is wrong. */
            warnings?: components["schemas"]["ImageWarning"][];
        };
        IndexedFace: {
            face_index: number;
            box: components["schemas"]["Box"];
            /** @description Detector score. */
            confidence: number;
            /** @description Size, sharpness and pose in one number. */
            quality: number;
        };
        /** @description In pixels of the upright image, origin at the upper left; may extend beyond the edge. */
        Box: {
            x: number;
            y: number;
            width: number;
            height: number;
        };
        RejectedFace: {
            box: components["schemas"]["Box"];
            /** @description too_small, blurred, extreme_pose or truncated; not_a_face: a closer look shows no face; low_quality: below `min_quality`; over_limit: the photo has more faces than the limit */
            reason: string;
        };
        ImageWarning: {
            /**
             * @description image_incomplete: the file ends early.
             * @example image_incomplete
             */
            code: string;
            detail: string;
        };
        Problem: {
            /** @description Path of the page that explains the code. */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description Id of the request, as in X-Request-Id and the log. */
            instance: string;
            code: string;
            /** @description Every field that breaks a rule. */
            errors?: {
                field: string;
                rule: string;
            }[];
            /** @description With no_face: the faces found but too poor to compare. */
            rejected?: components["schemas"]["RejectedFace"][];
        };
        IndexByKey: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * @description Key of the photo in the configured bucket, relative to the configured prefix.
             * @example wedding/IMG_0001.jpg
             */
            s3_key: string;
            /**
             * Format: date-time
             * @description When the service erases the whole session; a later call changes it.
             * @example 2027-01-31T00:00:00Z
             */
            expires_at?: string;
            /**
             * @description Model for a session without photos, one of `models` of GET /api/v1/settings; default: the first of them. A session keeps its model.
             * @example sface-3
             */
            model?: string;
            /** @description Maximum number of faces to index of a photo, largest first; the others are rejected as `over_limit`. */
            max_faces?: number;
            /** @description Minimum `quality` of a face to index; the others are rejected as `low_quality`. */
            min_quality?: number;
        };
        BatchAnswer: {
            indexed: number;
            failed: number;
            errors: components["schemas"]["BatchError"][];
        };
        BatchError: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            code: string;
            error: string;
        };
        BatchLine: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @enum {boolean} */
            indexed: true;
            faces_detected: number;
            confidence: number;
            /** @description What is wrong with the image, although its faces were indexed. Absent if nothing is wrong. */
            warnings?: components["schemas"]["ImageWarning"][];
        } | {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @enum {boolean} */
            indexed: false;
            code: string;
            error: string;
        };
        BatchRequest: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            photos: {
                /**
                 * @description The client’s own id of the photo.
                 * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                 */
                photo_id: string;
                /**
                 * @description Key of the photo in the configured bucket, relative to the configured prefix.
                 * @example wedding/IMG_0001.jpg
                 */
                s3_key: string;
            }[];
            /**
             * Format: date-time
             * @description When the service erases the whole session; a later call changes it.
             * @example 2027-01-31T00:00:00Z
             */
            expires_at?: string;
            /** @description Maximum number of faces to index of a photo, largest first; the others are rejected as `over_limit`. */
            max_faces?: number;
            /** @description Minimum `quality` of a face to index; the others are rejected as `low_quality`. */
            min_quality?: number;
        };
        DeleteAnswer: {
            /** @enum {boolean} */
            deleted: true;
            embeddings_removed: number;
        };
        SearchAnswer: {
            /** @description Each photo appears once, with its best face; most similar first. */
            matches: components["schemas"]["Match"][];
            query_time_ms: number;
            /** @description Number of photos at or above the threshold, including those beyond `limit`. */
            total_matches: number;
            /** @description Send it as `cursor` with the same search to get the next matches; null: there are none. */
            next_cursor: string | null;
            /** @description Number of faces in the session; all are compared. */
            faces_compared: number;
            /**
             * @description Expected number of matching faces of other people at this threshold: its false match rate times `faces_compared`. The rate was measured on hundreds of people; relatives and twins are more alike.
             * @example 0.12
             */
            expected_false_matches: number;
            /** @description Which face of the selfie (of the first one, if there are several) was searched. Faces are numbered from 0, the largest. */
            query: {
                faces_detected: number;
                face_index: number;
                box: components["schemas"]["Box"];
                /** @description All faces, if the selfie shows several; choose another one with `face_index`. */
                faces?: {
                    face_index: number;
                    box: components["schemas"]["Box"];
                }[];
                /** @description If there are several selfies: which face of each was searched, in their order. In the first selfie `face_index` chooses the face; in the others it is the face most similar to that one. */
                selfies?: {
                    faces_detected: number;
                    face_index: number;
                    box: components["schemas"]["Box"];
                    /** @description All faces, if the selfie shows several; choose another one with `face_index`. */
                    faces?: {
                        face_index: number;
                        box: components["schemas"]["Box"];
                    }[];
                }[];
            };
        };
        Match: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /**
             * @description Present if the search named several sessions.
             * @example wedding-2026-05-09
             */
            session_id?: string;
            /** @description How rarely two different people look this alike: 0.5 is one pair in 10,000, 0.6 one in 100,000, 1 the same photo; four decimals. */
            similarity: number;
            /**
             * @description sure: the similarity is 0.6 or more, which one pair of different people in 100,000 reaches.
             * @enum {string}
             */
            certainty: "sure" | "likely";
            /** @description Detector score of the matched face. */
            confidence: number;
            face: {
                face_index: number;
                box: components["schemas"]["Box"] | null;
            };
        };
        SearchByFace: {
            session_id: string | string[];
            /**
             * @description A photo of the session; if there are several sessions, of the first.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @description Minimum similarity of a match, 0 to 1. It determines how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, each 0.1 less gives ten times as many, and at 0.1 everybody matches. `expected_false_matches` in the answer gives the number for the session. */
            threshold?: number;
            /**
             * @description Maximum number of matches to return.
             * @default 100
             */
            limit: number;
            /** @description Which face of the selfie (of the first one, if there are several selfies) to search, numbered as in `query`. Default: the largest. With `photo_id`: the index of the stored face. */
            face_index?: number;
            /** @description `next_cursor` of the previous answer, with the same selfie and parameters; absent for the first page. */
            cursor?: string;
        };
        SessionStatus: {
            indexed: boolean;
            photo_count: number;
            /** Format: date-time */
            last_indexed: string | null;
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            face_count: number;
            /**
             * @description Model of the session’s embeddings.
             * @example sface-3
             */
            model: string | null;
        };
        Sessions: {
            /** @description The newest first, by `created_at`. */
            sessions: components["schemas"]["SessionSummary"][];
            /** @description Give it as `cursor` for the next page; null on the last. */
            next_cursor: string | null;
        };
        SessionSummary: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            photo_count: number;
            face_count: number;
            /**
             * @description Model of the session’s embeddings.
             * @example sface-3
             */
            model: string;
            /**
             * Format: date-time
             * @description When its first photo was indexed.
             */
            created_at: string;
            /** Format: date-time */
            last_indexed: string;
            /**
             * Format: date-time
             * @description When it is erased; null: it is kept.
             */
            expires_at: string | null;
        };
        Models: {
            /** @description Those that are served, the default first, then others that sessions are of. */
            models: components["schemas"]["ModelSummary"][];
        };
        ModelSummary: {
            model: string;
            /** @description Whether searches and index calls of its sessions are answered. */
            served: boolean;
            /** @description Whether new sessions get it. */
            default: boolean;
            session_count: number;
            photo_count: number;
            face_count: number;
        };
        Photos: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /** @description In the order of their ids. */
            photos: components["schemas"]["PhotoSummary"][];
            /** @description Give it as `cursor` for the next page; null on the last. */
            next_cursor: string | null;
        };
        PhotoSummary: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            face_count: number;
            /** Format: date-time */
            indexed_at: string;
        };
        Photo: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            model: string;
            /** Format: date-time */
            indexed_at: string;
            faces: {
                face_index: number;
                /** @description null where the photo was indexed before boxes were kept. */
                box: {
                    x: number;
                    y: number;
                    width: number;
                    height: number;
                } | null;
                confidence: number;
                /** @description null where the photo was indexed before it was kept. */
                quality: number | null;
            }[];
        };
        ForgetAnswer: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /** @description false: a preview; nothing was erased. */
            erased: boolean;
            /** @description The faces of the person, photo by photo: those that would go, or that went. */
            faces: {
                /**
                 * @description The client’s own id of the photo.
                 * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                 */
                photo_id: string;
                face_index: number;
                box: components["schemas"]["Box"] | null;
                similarity: number;
            }[];
            /** @description Number of photos among them. */
            photo_count: number;
            /** @description Stands for exactly these faces. Sent with the same selfie it erases them; it no longer fits once other faces match. */
            confirmation_token: string;
            /**
             * @description Expected number of matching faces of other people at this threshold: its false match rate times `faces_compared`. The rate was measured on hundreds of people; relatives and twins are more alike.
             * @example 0.12
             */
            expected_false_matches: number;
            /** @description Which face of the selfie (of the first one, if there are several) was searched. Faces are numbered from 0, the largest. */
            query: {
                faces_detected: number;
                face_index: number;
                box: components["schemas"]["Box"];
                /** @description All faces, if the selfie shows several; choose another one with `face_index`. */
                faces?: {
                    face_index: number;
                    box: components["schemas"]["Box"];
                }[];
                /** @description If there are several selfies: which face of each was searched, in their order. In the first selfie `face_index` chooses the face; in the others it is the face most similar to that one. */
                selfies?: {
                    faces_detected: number;
                    face_index: number;
                    box: components["schemas"]["Box"];
                    /** @description All faces, if the selfie shows several; choose another one with `face_index`. */
                    faces?: {
                        face_index: number;
                        box: components["schemas"]["Box"];
                    }[];
                }[];
            };
        };
        SearchToken: {
            token: string;
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /** Format: date-time */
            expires_at: string;
        };
        SearchTokenRequest: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /** @default 86400 */
            expires_in_seconds: number;
        };
        Settings: {
            version: string;
            /** @enum {string} */
            search_access: "public" | "token";
            /** @description URL of a photo for the pages; {session_id} and {photo_id} stand for the percent-encoded ids. */
            photo_url_template: string | null;
            max_image_bytes: number;
            /** @description Maximum width and height of an image, in pixels. */
            max_image_side: number;
            default_threshold: number;
            /**
             * @description Models that are served; new sessions get the first.
             * @example [
             *       "sface-3"
             *     ]
             */
            models: string[];
        };
        Health: {
            /** @enum {string} */
            status: "healthy" | "unhealthy";
            /** @description `connected`, or the fault */
            database: string;
            /** @description The model, or the fault of the inference server */
            face_recognition_model: string;
            version: string;
            uptime_seconds: number;
        };
        Job: {
            /**
             * Format: uuid
             * @description Id of the job.
             */
            job_id: string;
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * @description listing: the bucket is still being listed; failed: the bucket could not be listed to its end, `code` says why.
             * @enum {string}
             */
            state: "listing" | "running" | "finished" | "failed" | "cancelled";
            s3_prefix: string | null;
            /** @description Photos known so far: the sum of the five states. */
            total: number;
            pending: number;
            indexed: number;
            without_face: number;
            failed: number;
            cancelled: number;
            /** @description Photos that ended in the last minute, per second. */
            photos_per_second: number;
            /**
             * Format: date-time
             * @description At that rate; null while there is none.
             */
            estimated_end: string | null;
            /**
             * Format: date-time
             * @description Since when the oldest pending photo waits.
             */
            oldest_pending: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            ended_at: string | null;
            code: string | null;
            detail: string | null;
        };
        JobRequest: {
            /**
             * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * Format: date-time
             * @description When the service erases the whole session; a later call changes it.
             * @example 2027-01-31T00:00:00Z
             */
            expires_at?: string;
            /**
             * @description Index every JPEG, PNG, WebP, HEIC and AVIF file below it, by its key; `photo_id` is the key.
             * @example wedding/
             */
            s3_prefix?: string;
            /** @description Either these or `s3_prefix`. A photo sent twice counts once. */
            photos?: components["schemas"]["JobPhoto"][];
        };
        JobPhoto: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /**
             * @description Key of the photo in the configured bucket, relative to the configured prefix.
             * @example wedding/IMG_0001.jpg
             */
            s3_key: string;
        };
        Jobs: {
            /** @description Newest first. */
            jobs: components["schemas"]["Job"][];
            /** @description Give it as `cursor` for the next page; null on the last. */
            next_cursor: string | null;
        };
        JobPhotos: {
            /**
             * Format: uuid
             * @description Id of the job.
             */
            job_id: string;
            /** @description In the order in which they were sent. */
            photos: components["schemas"]["JobPhotoState"][];
            /** @description Give it as `cursor` for the next page; null on the last. */
            next_cursor: string | null;
        };
        JobPhotoState: {
            /**
             * @description The client’s own id of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            s3_key: string;
            /** @enum {string} */
            state: "pending" | "indexed" | "without_face" | "failed" | "cancelled";
            faces_detected: number | null;
            /** @description Why it was not indexed: one of the codes of problems. */
            code: string | null;
            detail: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    indexPhoto: {
        parameters: {
            query?: {
                /** @description The client’s own id of the photo. */
                photo_id?: string;
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id?: string;
                /** @description Key of the photo in the configured bucket, relative to the configured prefix. */
                s3_key?: string;
                /** @description When the service erases the whole session; a later call changes it. */
                expires_at?: string;
                /** @description Model for a session without photos, one of `models` of GET /api/v1/settings; default: the first of them. A session keeps its model. */
                model?: string;
                /** @description Maximum number of faces to index of a photo, largest first; the others are rejected as `over_limit`. */
                max_faces?: number;
                /** @description Minimum `quality` of a face to index; the others are rejected as `low_quality`. */
                min_quality?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * @description The client’s own id of the photo.
                     * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                     */
                    photo_id: string;
                    /**
                     * @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters.
                     * @example wedding-2026-05-09
                     */
                    session_id: string;
                    /**
                     * @description Key of the photo in the configured bucket, relative to the configured prefix.
                     * @example wedding/IMG_0001.jpg
                     */
                    s3_key?: string;
                    /**
                     * Format: date-time
                     * @description When the service erases the whole session; a later call changes it.
                     * @example 2027-01-31T00:00:00Z
                     */
                    expires_at?: string;
                    /**
                     * @description Model for a session without photos, one of `models` of GET /api/v1/settings; default: the first of them. A session keeps its model.
                     * @example sface-3
                     */
                    model?: string;
                    /** @description Maximum number of faces to index of a photo, largest first; the others are rejected as `over_limit`. */
                    max_faces?: number;
                    /** @description Minimum `quality` of a face to index; the others are rejected as `low_quality`. */
                    min_quality?: number;
                    /**
                     * Format: binary
                     * @description JPEG, PNG, WebP, HEIC or AVIF.
                     */
                    image?: Blob;
                };
                "application/json": components["schemas"]["IndexByKey"];
                "image/jpeg": Blob;
                "image/png": Blob;
                "image/webp": Blob;
                "image/heic": Blob;
                "image/heif": Blob;
                "image/avif": Blob;
            };
        };
        responses: {
            /** @description The faces of the photo are indexed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IndexAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `image_missing`: Missing image. `not_an_image`: Not an image. `unsupported_format`: Unsupported image format. `image_damaged`: Damaged image. `image_too_many_pixels`: Image too wide or too high. `no_face`: No usable face. `s3_not_configured`: No bucket configured. `s3_key_refused`: Invalid S3 key. `s3_object_not_found`: No such photo in the bucket. `s3_access_denied`: Access to the bucket denied. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `model_mismatch`: Session indexed with another model. `session_erased`: Erased during the call. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. `image_too_large`: Image file too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `inference_unavailable`: Inference unavailable. `inference_timeout`: Image analysis timed out. `inference_model_mismatch`: Inference runs another model. `inference_overloaded`: Inference overloaded. `overloaded`: Too many concurrent uploads. `s3_unavailable`: Bucket unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    eraseSessionByQuery: {
        parameters: {
            query: {
                /** @description Any stored id, including those that a path cannot carry: `.`, `..`, or empty. */
                session_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is erased. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: Session not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    indexBatch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchRequest"];
            };
        };
        responses: {
            /** @description Every photo is done, indexed or not. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                    "application/x-ndjson": components["schemas"]["BatchLine"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `s3_not_configured`: No bucket configured. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    eraseSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is erased. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: Session not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    erasePhoto: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
                /** @description The client’s own id of the photo. */
                photo_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The photo is erased. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    erasePhotoByQuery: {
        parameters: {
            query: {
                /** @description Any stored id, including those that a path cannot carry: `.`, `..`, or empty. */
                photo_id: string;
            };
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The photo is erased. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    searchFaces: {
        parameters: {
            query?: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id?: string;
                /** @description Searches a stored face instead of a selfie: face `face_index` of this photo of the (first) session. Needs an API key with the scope `index`. */
                photo_id?: string;
                /** @description Minimum similarity of a match, 0 to 1. It determines how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, each 0.1 less gives ten times as many, and at 0.1 everybody matches. `expected_false_matches` in the answer gives the number for the session. */
                threshold?: number;
                /** @description Maximum number of matches to return. */
                limit?: number;
                /** @description Which face of the selfie (of the first one, if there are several selfies) to search, numbered as in `query`. Default: the largest. With `photo_id`: the index of the stored face. */
                face_index?: number;
                /** @description `next_cursor` of the previous answer, with the same selfie and parameters; absent for the first page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** @description The session, or up to twenty with the field repeated; several need an API key with the scope `index`. */
                    session_id: string | string[];
                    /**
                     * @description Searches a stored face instead of a selfie: face `face_index` of this photo of the (first) session. Needs an API key with the scope `index`.
                     * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                     */
                    photo_id?: string;
                    /** @description Minimum similarity of a match, 0 to 1. It determines how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, each 0.1 less gives ten times as many, and at 0.1 everybody matches. `expected_false_matches` in the answer gives the number for the session. */
                    threshold?: number;
                    /**
                     * @description Maximum number of matches to return.
                     * @default 100
                     */
                    limit?: number;
                    /** @description Which face of the selfie (of the first one, if there are several selfies) to search, numbered as in `query`. Default: the largest. With `photo_id`: the index of the stored face. */
                    face_index?: number;
                    /** @description `next_cursor` of the previous answer, with the same selfie and parameters; absent for the first page. */
                    cursor?: string;
                    /** @description One selfie, or up to five with the field repeated; MAX_IMAGE_BYTES limits all of them together. */
                    image?: Blob | Blob[];
                };
                "application/json": components["schemas"]["SearchByFace"];
                "image/jpeg": Blob;
                "image/png": Blob;
                "image/webp": Blob;
                "image/heic": Blob;
                "image/heif": Blob;
                "image/avif": Blob;
            };
        };
        responses: {
            /** @description The matching photos, most similar first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `image_missing`: Missing image. `not_an_image`: Not an image. `unsupported_format`: Unsupported image format. `image_damaged`: Damaged image. `image_too_many_pixels`: Image too wide or too high. `no_face`: No usable face. `face_index_out_of_range`: No such face in the selfie. `selfies_differ`: Selfies show different people. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `search_token_required`: Search token required. `search_token_invalid`: Invalid search token for this session. `api_key_invalid`: Invalid API key. `api_key_required`: API key required. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: Session not indexed. `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `model_mismatch`: Session indexed with another model. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. `image_too_large`: Image file too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `inference_unavailable`: Inference unavailable. `inference_timeout`: Image analysis timed out. `inference_model_mismatch`: Inference runs another model. `inference_overloaded`: Inference overloaded. `overloaded`: Too many concurrent uploads. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSessionStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Unknown, erased and expired sessions have `indexed: false`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionStatus"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `search_token_required`: Search token required. `search_token_invalid`: Invalid search token for this session. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Most entries of a page. */
                limit?: number;
                /** @description `next_cursor` of the answer before; absent for the first page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the sessions, the newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sessions"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Models that are served and models that sessions are of. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPhotos: {
        parameters: {
            query?: {
                /** @description Most entries of a page. */
                limit?: number;
                /** @description `next_cursor` of the answer before; absent for the first page. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the photos, in the order of their ids. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Photos"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: Session not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPhoto: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
                /** @description The client’s own id of the photo. */
                photo_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its faces, with their boxes and quality. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Photo"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    eraseFace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
                /** @description The client’s own id of the photo. */
                photo_id: string;
                /** @description Index of a face, as the photo lists it. */
                face_index: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The face is erased. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `face_index_out_of_range`: No such face in the selfie. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forgetPerson: {
        parameters: {
            query?: {
                /** @description Minimum similarity of a face that is erased, 0 to 1, as in a search. Default: FACE_SIMILARITY_THRESHOLD. */
                threshold?: number;
                /** @description Which face of the (first) selfie. Default: the largest. */
                face_index?: number;
                /** @description From a preview: erases the faces that it lists. Without it nothing is erased. */
                confirmation_token?: string;
            };
            header?: never;
            path: {
                /** @description The event that the photos belong to. A UUID in capital letters is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** @description Minimum similarity of a face that is erased, 0 to 1, as in a search. Default: FACE_SIMILARITY_THRESHOLD. */
                    threshold?: number;
                    /** @description Which face of the (first) selfie. Default: the largest. */
                    face_index?: number;
                    /** @description From a preview: erases the faces that it lists. Without it nothing is erased. */
                    confirmation_token?: string;
                    /** @description One selfie, or up to five with the field repeated; MAX_IMAGE_BYTES limits all of them together. */
                    image: Blob | Blob[];
                };
                "image/jpeg": Blob;
                "image/png": Blob;
                "image/webp": Blob;
                "image/heic": Blob;
                "image/heif": Blob;
                "image/avif": Blob;
            };
        };
        responses: {
            /** @description The faces of the person. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ForgetAnswer"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `image_missing`: Missing image. `not_an_image`: Not an image. `unsupported_format`: Unsupported image format. `image_damaged`: Damaged image. `image_too_many_pixels`: Image too wide or too high. `no_face`: No usable face. `face_index_out_of_range`: No such face in the selfie. `selfies_differ`: Selfies show different people. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: Session not indexed. `photo_not_indexed`: Photo not indexed. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `model_mismatch`: Session indexed with another model. `confirmation_outdated`: The confirmation no longer fits. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. `image_too_large`: Image file too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `inference_unavailable`: Inference unavailable. `inference_timeout`: Image analysis timed out. `inference_model_mismatch`: Inference runs another model. `inference_overloaded`: Inference overloaded. `overloaded`: Too many concurrent uploads. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSearchToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchTokenRequest"];
            };
        };
        responses: {
            /** @description The token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchToken"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `search_tokens_not_configured`: Search tokens not configured. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The settings. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Healthy. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Unhealthy; the answer names the cause. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Plain text. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Plain text. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description Plain text. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Plain text. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query: {
                /** @description Any stored id, including those that a path cannot carry: `.`, `..`, or empty. */
                session_id: string;
                /** @description Most jobs of a page. */
                limit?: number;
                /** @description `next_cursor` of the answer before; absent for the first page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of its jobs, the newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jobs"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createJob: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobRequest"];
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description The job is queued. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. `malformed_body`: Malformed body. `s3_not_configured`: No bucket configured. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: Idempotency key reused. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: Body too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: Unsupported content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. `overloaded`: Too many concurrent uploads. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listJobPhotos: {
        parameters: {
            query?: {
                /** @description Most entries of a page. */
                limit?: number;
                /** @description `next_cursor` of the answer before; absent for the first page. */
                cursor?: string;
                /** @description Only photos of this state. */
                state?: "pending" | "indexed" | "without_face" | "failed" | "cancelled";
            };
            header?: never;
            path: {
                /** @description Id of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of its photos. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPhotos"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watchJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events; `data` is the job. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. `overloaded`: Too many concurrent uploads. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `invalid_parameter`: Invalid parameter. `malformed_request`: Malformed HTTP request. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: API key required. `api_key_invalid`: Invalid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: Missing scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_not_found`: Job not found. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: Request timeout. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `job_cancelled`: Job cancelled. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: Expectation failed. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate_limited`: Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: Headers too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Internal server error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: Database unavailable. `jobs_unavailable`: Jobs unavailable. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
