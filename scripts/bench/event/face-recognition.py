"""The package face_recognition as its README shows: HOG detector, 128 numbers, asked by face-recognition.ts.

Each line of the input is a path, each line of the output its faces as JSON.
"""

import json
import sys

import face_recognition

for line in sys.stdin:
    picture = face_recognition.load_image_file(line.rstrip("\n"))
    boxes = face_recognition.face_locations(picture)
    faces = [
        {"box": {"x": left, "y": top, "width": right - left, "height": bottom - top}, "embedding": list(embedding)}
        for (top, right, bottom, left), embedding in zip(boxes, face_recognition.face_encodings(picture, boxes))
    ]
    print(json.dumps(faces), flush=True)
