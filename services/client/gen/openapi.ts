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
         * @description Indexing a photo again replaces its faces. Parameters may stand in the query or in the form; with a bare image body they stand in the query.
         */
        post: operations["indexPhoto"];
        /**
         * Erase a session whose id a path cannot carry
         * @description The same as with the id in the path, for ids such as `..`, which clients take for a step up.
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
         * Index photos of the bucket
         * @description One bad photo never fails the batch, and the same batch again is harmless. With Accept: application/x-ndjson each photo is a line as it ends.
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
         * @description The same as with the id in the path, for ids such as `..`, which clients take for a step up.
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
         * Find the photos that show the person of a selfie
         * @description Exact: every face of the session is compared. The selfie is not stored. Of several faces the largest is searched, unless face_index chooses another. Up to five images of one person in one search are compared by their mean: a second one finds more of the photos.
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
        /** How much of a session is indexed */
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
    "/api/v1/search/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a token that opens one session to searches */
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
        /** What a client must know before its first call */
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
        /** Whether the service and what it needs are well */
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
        /** Whether the process lives */
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
        /** Whether it should get requests */
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
        /** Metrics in the Prometheus text format */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
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
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @description Detector score of the photo’s surest face. */
            confidence: number;
            /** @description Faces indexed: the length of `faces`. */
            faces_detected: number;
            faces: components["schemas"]["IndexedFace"][];
            /** @description Faces seen, but not indexed: too poor to be compared, or too many. The largest 1,000. */
            rejected: components["schemas"]["RejectedFace"][];
            /** @description What is wrong with the image, although its faces were indexed. Absent where nothing is. */
            warnings?: components["schemas"]["ImageWarning"][];
        };
        IndexedFace: {
            face_index: number;
            box: components["schemas"]["Box"];
            /** @description Detector score. */
            confidence: number;
            /** @description Size, sharpness and pose in one figure. */
            quality: number;
        };
        /** @description Pixels of the upright picture, origin at the upper left; may reach over the edge. */
        Box: {
            x: number;
            y: number;
            width: number;
            height: number;
        };
        RejectedFace: {
            box: components["schemas"]["Box"];
            /** @description too_small, blurred, extreme_pose or truncated; over_limit: beyond the number of faces taken of a photo */
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
            /** @description Page that explains the code. */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description Id of the request, as in X-Request-Id and the log. */
            instance: string;
            code: string;
            /** @description Every field that broke a rule. */
            errors?: {
                field: string;
                rule: string;
            }[];
            /** @description With no_face: the faces that were seen, but too poor to be compared. */
            rejected?: components["schemas"]["RejectedFace"][];
        };
        IndexByKey: {
            /**
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * @description Key of the photo in the configured bucket, below the configured prefix.
             * @example wedding/IMG_0001.jpg
             */
            s3_key: string;
            /**
             * Format: date-time
             * @description When the whole session is to be erased; the last one given counts.
             * @example 2027-01-31T00:00:00Z
             */
            expires_at?: string;
        };
        BatchAnswer: {
            indexed: number;
            failed: number;
            errors: components["schemas"]["BatchError"][];
        };
        BatchError: {
            /**
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            code: string;
            error: string;
        };
        BatchLine: {
            /**
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @enum {boolean} */
            indexed: true;
            faces_detected: number;
            confidence: number;
            /** @description What is wrong with the image, although its faces were indexed. Absent where nothing is. */
            warnings?: components["schemas"]["ImageWarning"][];
        } | {
            /**
             * @description The client’s own name of the photo.
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
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            photos: {
                /**
                 * @description The client’s own name of the photo.
                 * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                 */
                photo_id: string;
                /**
                 * @description Key of the photo in the configured bucket, below the configured prefix.
                 * @example wedding/IMG_0001.jpg
                 */
                s3_key: string;
            }[];
            /**
             * Format: date-time
             * @description When the whole session is to be erased; the last one given counts.
             * @example 2027-01-31T00:00:00Z
             */
            expires_at?: string;
        };
        DeleteAnswer: {
            /** @enum {boolean} */
            deleted: true;
            embeddings_removed: number;
        };
        SearchAnswer: {
            /** @description A photo appears once, with its best face; most similar first. */
            matches: components["schemas"]["Match"][];
            query_time_ms: number;
            /** @description Photos at or above the threshold, also those beyond `limit`. */
            total_matches: number;
            /** @description Faces of the session, each compared with the selfie. */
            faces_compared: number;
            /**
             * @description Faces of other people to expect at this threshold: the false match rate there, times `faces_compared`. Measured on hundreds of people; relatives and twins are more alike.
             * @example 0.12
             */
            expected_false_matches: number;
            /** @description Which face of the selfie was searched, of several selfies the first; faces are numbered from the largest, 0. */
            query: {
                faces_detected: number;
                face_index: number;
                box: components["schemas"]["Box"];
                /** @description Where the selfie has several faces: all of them, to choose another by `face_index`. */
                faces?: {
                    face_index: number;
                    box: components["schemas"]["Box"];
                }[];
                /** @description Of several selfies: which face of each was taken, in their order. Of the first as `face_index` says, of the others the one most similar to it. */
                selfies?: {
                    faces_detected: number;
                    face_index: number;
                    box: components["schemas"]["Box"];
                    /** @description Where the selfie has several faces: all of them, to choose another by `face_index`. */
                    faces?: {
                        face_index: number;
                        box: components["schemas"]["Box"];
                    }[];
                }[];
            };
        };
        Match: {
            /**
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            /** @description How rarely two different people look so alike: 0.5 is one pair in 10,000, 0.6 one in 100,000, 1 the same picture; four decimals. */
            similarity: number;
            /**
             * @description sure: similarity 0.6 or more, which one pair of different people in 100,000 reaches.
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
        SessionStatus: {
            indexed: boolean;
            photo_count: number;
            /** Format: date-time */
            last_indexed: string | null;
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            face_count: number;
            /**
             * @description Model of the session’s embeddings.
             * @example sface-2
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
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            photo_count: number;
            face_count: number;
            /**
             * @description Model of the session’s embeddings.
             * @example sface-2
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
        Photos: {
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
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
             * @description The client’s own name of the photo.
             * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
             */
            photo_id: string;
            face_count: number;
            /** Format: date-time */
            indexed_at: string;
        };
        Photo: {
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /**
             * @description The client’s own name of the photo.
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
        SearchToken: {
            token: string;
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
             * @example wedding-2026-05-09
             */
            session_id: string;
            /** Format: date-time */
            expires_at: string;
        };
        SearchTokenRequest: {
            /**
             * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
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
            /** @description Where pages find a photo: {session_id} and {photo_id} are put in, percent-encoded. */
            photo_url_template: string | null;
            max_image_bytes: number;
            /** @description Widest and highest image, in pixels. */
            max_image_side: number;
            default_threshold: number;
        };
        Health: {
            /** @enum {string} */
            status: "healthy" | "unhealthy";
            /** @description connected, or what is wrong */
            database: string;
            /** @description The model, or what is wrong with the inference server */
            face_recognition_model: string;
            version: string;
            uptime_seconds: number;
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
                /** @description The client’s own name of the photo. */
                photo_id?: string;
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id?: string;
                /** @description Key of the photo in the configured bucket, below the configured prefix. */
                s3_key?: string;
                /** @description When the whole session is to be erased; the last one given counts. */
                expires_at?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * @description The client’s own name of the photo.
                     * @example 5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11
                     */
                    photo_id: string;
                    /**
                     * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
                     * @example wedding-2026-05-09
                     */
                    session_id: string;
                    /**
                     * @description Key of the photo in the configured bucket, below the configured prefix.
                     * @example wedding/IMG_0001.jpg
                     */
                    s3_key?: string;
                    /**
                     * Format: date-time
                     * @description When the whole session is to be erased; the last one given counts.
                     * @example 2027-01-31T00:00:00Z
                     */
                    expires_at?: string;
                    /**
                     * Format: binary
                     * @description JPEG, PNG or WebP.
                     */
                    image?: Blob;
                };
                "application/json": components["schemas"]["IndexByKey"];
                "image/jpeg": Blob;
                "image/png": Blob;
                "image/webp": Blob;
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. `malformed_body`: The body cannot be read. `image_missing`: There is no image. `not_an_image`: The file is not an image. `unsupported_format`: The image has another format. `image_damaged`: The image cannot be decoded. `image_too_many_pixels`: The image is too wide or too high. `no_face`: There is no usable face. `s3_not_configured`: No bucket is configured. `s3_key_refused`: The key is not a plain path. `s3_object_not_found`: The bucket holds no such photo. `s3_access_denied`: The bucket refuses access. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `model_mismatch`: The session was indexed with another model. `session_erased`: The session or photo was erased meanwhile. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is too large. `image_too_large`: The image has too many bytes. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The body has another content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. `inference_unavailable`: No inference server answers. `inference_timeout`: The image takes longer than its time limit. `inference_model_mismatch`: The inference servers run another model. `inference_overloaded`: The inference servers are full. `overloaded`: Too many uploads at a time. `s3_unavailable`: The bucket does not answer. */
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
                /** @description Any stored id, also one that a path cannot carry: `.`, `..`, or empty. */
                session_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing of the session is left. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: The session holds no photos. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
            /** @description Every photo ended, indexed or not. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                    "application/x-ndjson": components["schemas"]["BatchLine"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. `malformed_body`: The body cannot be read. `s3_not_configured`: No bucket is configured. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The body has another content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing of the session is left. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: The session holds no photos. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id: string;
                /** @description The client’s own name of the photo. */
                photo_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing of the photo is left. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: The session holds no such photo. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description Any stored id, also one that a path cannot carry: `.`, `..`, or empty. */
                photo_id: string;
            };
            header?: never;
            path: {
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing of the photo is left. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteAnswer"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: The session holds no such photo. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id?: string;
                /** @description Least similarity of a match, 0 to 1. It says how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, at each 0.1 less ten times as many, at 0.1 everybody. `expected_false_matches` in the answer counts it out for the session. */
                threshold?: number;
                /** @description Most matches to return. */
                limit?: number;
                /** @description Which face of the selfie, of several selfies the first, to search, as numbered by `query`; the largest when absent. */
                face_index?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * @description The event whose photos belong together. A UUID in capitals is the same session as in small letters.
                     * @example wedding-2026-05-09
                     */
                    session_id: string;
                    /** @description Least similarity of a match, 0 to 1. It says how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, at each 0.1 less ten times as many, at 0.1 everybody. `expected_false_matches` in the answer counts it out for the session. */
                    threshold?: number;
                    /**
                     * @description Most matches to return.
                     * @default 100
                     */
                    limit?: number;
                    /** @description Which face of the selfie, of several selfies the first, to search, as numbered by `query`; the largest when absent. */
                    face_index?: number;
                    /** @description One selfie, or the field up to five times; MAX_IMAGE_BYTES holds for all of them together. */
                    image: Blob | Blob[];
                };
                "image/jpeg": Blob;
                "image/png": Blob;
                "image/webp": Blob;
            };
        };
        responses: {
            /** @description The photos found, most similar first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. `malformed_body`: The body cannot be read. `image_missing`: There is no image. `not_an_image`: The file is not an image. `unsupported_format`: The image has another format. `image_damaged`: The image cannot be decoded. `image_too_many_pixels`: The image is too wide or too high. `no_face`: There is no usable face. `face_index_out_of_range`: The selfie has no such face. `selfies_differ`: The selfies show different people. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `search_token_required`: A search token is needed. `search_token_invalid`: The search token is not valid for this session. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: The session holds no photos. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `model_mismatch`: The session was indexed with another model. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is too large. `image_too_large`: The image has too many bytes. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The body has another content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. `inference_unavailable`: No inference server answers. `inference_timeout`: The image takes longer than its time limit. `inference_model_mismatch`: The inference servers run another model. `inference_overloaded`: The inference servers are full. `overloaded`: Too many uploads at a time. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `search_token_required`: A search token is needed. `search_token_invalid`: The search token is not valid for this session. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `session_not_indexed`: The session holds no photos. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
                /** @description The event whose photos belong together. A UUID in capitals is the same session as in small letters. */
                session_id: string;
                /** @description The client’s own name of the photo. */
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_not_indexed`: The session holds no such photo. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
            /** @description `invalid_parameter`: A parameter breaks a rule. `malformed_request`: The request is not well-formed HTTP. `malformed_body`: The body cannot be read. `search_tokens_not_configured`: Search tokens are not configured. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `api_key_required`: An API key is needed. `api_key_invalid`: The API key is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `scope_missing`: The API key may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `body_too_large`: The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The body has another content type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `expectation_failed`: The expectation cannot be met. */
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
            /** @description `headers_too_large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: The service made a mistake. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `database_unavailable`: The database does not answer. */
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
            /** @description All is well. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The answer names what is not. */
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
            /** @description In one word or line. */
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
            /** @description In one word or line. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description In one word or line. */
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
            /** @description In one word or line. */
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
}
