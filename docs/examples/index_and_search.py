"""Indexes two photos, searches by a selfie, gets the status, and erases everything again.

Python 3.9 or later, nothing to install. FACEPASS_URL, FACEPASS_API_KEY: the service and a key.
Arguments: photo photo selfie.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

API = os.environ["FACEPASS_URL"] + "/api/v1"
KEY = os.environ["FACEPASS_API_KEY"]


def main(photos, selfie):
    session = f"example-{uuid.uuid4()}"
    for photo in photos:
        indexed = call("POST", "/index", {"session_id": session, "photo_id": photo.name}, photo)
        print(f"{photo.name}: {indexed['faces_detected']} faces")
    found = call("POST", "/search", {"session_id": session}, selfie)
    for match in found["matches"]:
        print(f"{match['photo_id']}: similarity {match['similarity']:.2f}")
    status = call("GET", f"/search/status/{session}")
    print(f"{status['photo_count']} photos, {status['face_count']} faces")
    erased = call("DELETE", f"/index/{session}")
    print(f"{erased['embeddings_removed']} faces erased")


def call(method, path, fields=None, image=None, attempts=5):
    """Returns the answer's JSON. Retries a busy service (429, 503) after its Retry-After; other problems end the program."""
    body, content_type = multipart(fields, image) if fields else (None, None)
    headers = {"X-API-Key": KEY}
    if content_type:
        headers["Content-Type"] = content_type
    request = urllib.request.Request(API + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code in (429, 503) and attempts > 1:
            time.sleep(float(error.headers.get("Retry-After") or 1))
            return call(method, path, fields, image, attempts - 1)
        problem = json.load(error)
        raise SystemExit(f"{problem['code']}: {problem['detail']} (request {problem['instance']})")


def multipart(fields, image):
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="photo"\r\n\r\n'.encode()
    parts.append(head + image.read_bytes() + f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


if __name__ == "__main__":
    *photo_paths, selfie_path = map(Path, sys.argv[1:])
    main(photo_paths, selfie_path)
